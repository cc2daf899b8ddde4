"""`camsortxs realism`: how well simulated frames can be told from real ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from camsortxs.cli.labelled import frames_of
from camsortxs.cli.output import Format, complain, counting
from camsortxs.errors import CamsortxsError
from camsortxs.offline.dataset import LabelledFrame, tabulate, target_of
from camsortxs.offline.labels import Label, read_labels
from camsortxs.offline.realism import REPEATS, RESAMPLES, SHOWN, measurable
from camsortxs.offline.realism import realism as compare

_HELP = """Ask a classifier "real or simulated?": an AUC of 0.5 means that it cannot tell, 1.0 that it always can.

PATH is a folder of real frames with a `labels.csv` as `camsortxs evaluate` reads it (`file`, `technique`, `source`);
N frames of each of its techniques are drawn beside them. The classifier sees our handmade features of the
standardised frame and is always asked about a source that it has not learnt from; every source weighs the same.
`outlying` says how odd the real frames are among simulated ones (0.5: not at all) without learning from any real
frame. Below come the single features that differ most. A technique with fewer than two sources gets no figure; with
two or three an AUC near 0.5 says little. Exit code 3 when a frame could not be read (after all the others), 2 when
there are too few sources.

Examples:

    camsortxs realism frames/ --count 200 --seed 3

    camsortxs realism frames/ --format json | jq '.techniques[] | {auc, auc_interval}'

    camsortxs realism frames/ --labels by-instrument.csv
"""


def realism(
    path: Annotated[Path, typer.Argument(help="Folder of real frames.", exists=True, file_okay=False)],
    count: Annotated[int, typer.Option(min=20, help="Frames to draw of each technique.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, the folds and the trees.")] = 3,
    labels: Annotated[
        Path | None, typer.Option(help="Table of labels other than PATH/labels.csv.", exists=True, dir_okay=False)
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="Tables, or one JSON object.")] = Format.TABLE,
    trees: Annotated[int, typer.Option(min=2, help="Trees of each forest.")] = 100,
    repeats: Annotated[int, typer.Option(min=1, help="Splits of the drawn frames to average over.")] = REPEATS,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the intervals.")] = RESAMPLES,
    shown: Annotated[int, typer.Option(min=0, help="Features named for each technique.")] = SHOWN,
    processes: Annotated[int, typer.Option(min=1, help="Processes that draw frames.")] = 1,
) -> None:
    """Ask a classifier "real or simulated?"."""
    from camsortxs.cli.drawn import draw_features
    from camsortxs.features.catalogue import HANDMADE
    from camsortxs.features.chain import Chain

    screen = Console(stderr=True)
    chain = Chain(HANDMADE)
    errors: list[dict[str, str]] = []
    try:
        rows = [row for row in read_labels(labels or path / "labels.csv", path) if row.technique is not None]
        with counting(screen) as progress:
            real = tabulate(_read(rows, errors, progress), chain)
            kinds = [str(t) for t in measurable(real)]
            simulated = draw_features(
                kinds,
                count=count * len(kinds),
                seed=seed,
                processes=processes,
                chain=chain,
                progress=progress,
                mid=True,
            )
        with screen.status("asking real or simulated ..."):
            report = compare(real, simulated, trees=trees, repeats=repeats, resamples=resamples, shown=shown, seed=seed)
    except (CamsortxsError, OSError) as error:
        complain(screen, "Cannot compare", error)
        _list(errors, screen)
        raise typer.Exit(3 if errors else 2) from error
    report = {"count": count, "seed": seed, **report, "errors": errors}
    if output is Format.JSON:
        print(json.dumps(report))  # noqa: T201 - this is the output
    else:
        _show(report, Console())
    if errors:
        raise typer.Exit(3)


realism.__doc__ = _HELP


def _read(rows: list[Label], errors: list[dict[str, str]], progress: Progress) -> Iterator[LabelledFrame]:
    """Yield the frames that the labels name; what cannot be read is added to `errors`."""
    for row in progress.track(rows, description="real frames"):
        for frame in frames_of(row, errors):
            if row.technique is not None:
                yield LabelledFrame(frame=frame, target=target_of(row.technique), group=row.group)


def _show(report: dict[str, Any], screen: Console) -> None:
    table = Table(title=f"real or simulated? {report['features']} features, 0.5 = cannot be told apart")
    for heading in ("", "real frames", "sources", "simulated", "AUC", "95 %", "outlying", "95 %"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, part in [*report["techniques"].items(), ("all", report["all"])]:
        cells = [cell for figure in ("auc", "outlying") for cell in _cells(part, figure)]
        drawn = str(part["simulated"]) if "simulated" in part else ""
        table.add_row(name, str(part["frames"]), str(part["sources"]), drawn, *cells)
    screen.print(table)
    for name, part in report["techniques"].items():
        if part["status"] != "measured":
            screen.print(f"{name}: {part['status']}")
    for name, part in report["techniques"].items():
        if not part["gives_away"]:
            continue
        table = Table(title=f"what gives simulated {name} away")
        for heading in ("feature", "real is", "median real", "simulated", "AUC", "95 %"):
            table.add_column(heading, justify="left" if heading in ("feature", "real is") else "right")
        for row in part["gives_away"]:
            medians = (f"{row['real_median']:.3g}", f"{row['simulated_median']:.3g}")
            table.add_row(row["feature"], row["real_is"], *medians, f"{row['auc']:.2f}", _span(row["interval"]))
        screen.print(table)
    _list(report["errors"], screen)


def _list(errors: list[dict[str, str]], screen: Console) -> None:
    for error in errors:
        complain(screen, "not read", f"{error['path']}: {error['error']}")


def _cells(part: dict[str, Any], figure: str) -> tuple[str, str]:
    if part[figure] is None:
        return "", ""
    return f"{part[figure]:.2f}", _span(part[f"{figure}_interval"])


def _span(ends: list[float]) -> str:
    return f"{ends[0]:.2f} - {ends[1]:.2f}"
