"""`camsortxs evaluate`: how good the answers are on labelled frames."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from camsortxs.cli.asker import Asker, most_probable
from camsortxs.cli.evaluated import TITLES, show
from camsortxs.cli.output import Format, complain, writable
from camsortxs.errors import FrameError, ModelError
from camsortxs.offline.evaluate import RESAMPLES, Answer
from camsortxs.offline.evaluate import evaluate as measure
from camsortxs.offline.labels import read_labels
from camsortxs.techniques import Decision, Parent

if TYPE_CHECKING:
    from camsortxs.sheet import Picture

_SHOWN = 5
_HELP = """Measure the answers on labelled frames, by frame and by source group (every source weighs the same).

The table has the columns `file` (relative to `--frames`), `technique` and `source`, and where needed `hdf5_dataset` and
`frame_index`; a technique of `no_signal` marks frames that show none of the four, which are counted apart. Every figure
comes twice: from the image alone, and with what the headers say. For frames that the model was trained on, what counts
is what it said while their source was held out. Intervals (95 %) resample whole sources. Exit code 3 when a frame could
not be read (after all the others), 2 when the model cannot be used.

Examples:

    camsortxs evaluate --frames frames/ --labels frames/labels.csv --sheet wrong.png

    camsortxs evaluate --frames frames/ --labels frames/labels.csv --format json > figures.json
"""


def evaluate(
    frames: Annotated[Path, typer.Option(help="Folder that the table's files are relative to.", exists=True)],
    labels: Annotated[Path, typer.Option(help="The table of labels.", exists=True, dir_okay=False)],
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    output: Annotated[Format, typer.Option("--format", help="Tables, or one JSON object.")] = Format.TABLE,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the intervals.")] = RESAMPLES,
    sheet: Annotated[
        Path | None, typer.Option(callback=writable, help="PNG to draw what the image alone names wrongly into.")
    ] = None,
) -> None:
    """Measure the answers on labelled frames, by frame and by source group."""
    from camsortxs.cli.model import build_remembering_line

    screen = Console(stderr=True)
    asker = Asker()
    try:
        rows = read_labels(labels, frames)
        line, remembered = build_remembering_line(model, sink=asker)
    except (ModelError, FrameError) as error:
        complain(screen, "Cannot evaluate", error)
        raise typer.Exit(2) from error
    with Progress(console=screen) as progress:
        for row in progress.track(rows, description="frames"):
            before = remembered.remembered
            asker.ask(line, row)
            if remembered.remembered == before and row.group in remembered.groups:
                asker.learnt_from.add(row.group)
    if not asker.with_metadata and not asker.nothing:
        complain(screen, "Cannot evaluate", "not one frame could be read")
        for failed in asker.errors[:_SHOWN]:
            complain(screen, "not read", f"{failed['path']}: {failed['error']}")
        raise typer.Exit(3)
    report = {
        "model": asker.model,
        "frames": len(asker.with_metadata),
        "groups": len({answer.group for answer in asker.with_metadata}),
        "out_of_fold": remembered.remembered // len(TITLES),  # each is asked twice
        "learnt_from": sorted(asker.learnt_from),
        **{mode: measure(said, resamples=resamples) if said else None for mode, said in asker.by_mode().items()},
        "sources": _sources(asker),
        "wrong": [one for mode, said in asker.by_mode().items() for one in _wrong(said, mode)],
        "nothing": _nothing(asker.nothing),
        "errors": asker.errors,
    }
    if output is Format.JSON:
        print(json.dumps(report))  # noqa: T201 - this is the output
    else:
        show(report, Console())
    if sheet:
        _draw(asker.pictures, sheet, asker.model)
    if asker.errors:
        raise typer.Exit(3)


evaluate.__doc__ = _HELP


def _sources(asker: Asker) -> dict[str, dict[str, int]]:
    sources: dict[str, dict[str, int]] = {}
    for mode, said in asker.by_mode().items():
        for answer in said:
            one = sources.setdefault(answer.group, {"frames": 0, **dict.fromkeys(TITLES, 0)})
            one["frames"] += mode == "image_only"
            one[mode] += most_probable(answer) == answer.truth
    return dict(sorted(sources.items()))


def _wrong(answers: list[Answer], mode: str) -> list[dict[str, Any]]:
    return [
        {
            "mode": mode,
            "file": answer.name,
            "source": answer.group,
            "truth": str(answer.truth),
            "most_probable": str(most_probable(answer)) if answer.probabilities else None,
            "probability": max(answer.probabilities) if answer.probabilities else None,
            "decided": str(answer.decided),
        }
        for answer in answers
        if most_probable(answer) != answer.truth
    ]


def _nothing(decisions: dict[str, list[Decision]]) -> dict[str, Any]:
    """Say how many frames that show none of the four were called `no_signal` or `unknown`, as they should be."""
    kinds = {
        kind: {"frames": len(said), "withheld": _withheld_of(said) / len(said)}
        for kind, said in sorted(decisions.items())
    }
    frames = sum(one["frames"] for one in kinds.values())
    withheld = sum(one["frames"] * one["withheld"] for one in kinds.values())
    return {"frames": frames, "withheld": withheld / frames if frames else None, "kinds": kinds}


def _withheld_of(decisions: list[Decision]) -> int:
    return sum(decided in (Parent.NO_SIGNAL, Parent.UNKNOWN) for decided in decisions)


def _draw(pictures: "list[Picture]", path: Path, model: str) -> None:
    from camsortxs.sheet import draw_sheet

    ordered = sorted(pictures, key=lambda picture: str(picture.truth))
    title = f"{len(pictures)} frames that {model} names wrongly from the image alone"
    draw_sheet(ordered, path, title=title, subtitle="rows: the truth; logarithm of the counts, bad pixels grey")
