"""`camsortxs leaderboard`: run the grid of representations by classifiers, and write who did how well."""

import json
import os
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from camsortxs.cli.data_options import DataOptions
from camsortxs.cli.output import Format, complain
from camsortxs.cli.with_data import with_data
from camsortxs.errors import CamsortxsError
from camsortxs.offline.evaluate import RESAMPLES
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.frames import Frame
    from camsortxs.offline.dataset import Dataset
    from camsortxs.offline.grid.board import Row
    from camsortxs.offline.grid.plan import Cell, Setting
    from camsortxs.offline.grid.run import Progress
    from camsortxs.offline.grid.table import Kept

_SHOWN = 20

_HELP = """Run the AutoML grid, 25 representations and some unions by five classifiers, and write the leaderboard.

Frames are drawn, read or fetched as for `train`; what was featurized once is kept. Each cell is one representation (or
union) by one classifier: pycaret tunes it inside each fold, and every scored frame is of a group that its model has not
seen. Results are kept in `--work`, a cell a pair of files: stop it with Ctrl-C, call it again, and only what is missing
runs. With `--budget` it does what tells most for its time, and says what it left out. Writes LEADERBOARD.md,
leaderboard.csv and leaderboard/*.png into `--out`; with `--only` nothing unless `--out` is given. Needs the `train`
extra. Exit code 3 when a frame could not be read (after all the others), 2 when nothing could be run.

Examples:

    camsortxs leaderboard --simulated 1500 --labels frames/labels.csv --copies 6 --processes 4

    camsortxs leaderboard --simulated 1500 --labels frames/labels.csv --budget 10

    camsortxs leaderboard --labels frames/labels.csv --only radial.profile:et --only 'glcm.all:*'
"""


@with_data(simulated=1500)
def leaderboard(
    data: DataOptions,
    only: Annotated[
        list[str] | None,
        typer.Option(help="FEATURES:CLASSIFIER to run instead of all; either may be `*`; repeatable."),
    ] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="Minutes after which no cell is begun.")] = None,
    trees: Annotated[int, typer.Option(min=2, help="Trees of a forest, rounds of boosting.")] = 60,
    folds: Annotated[int, typer.Option(min=2, help="Folds by group that frames are held out in.")] = 4,
    inner: Annotated[int, typer.Option(min=2, help="Folds by group within them, for tuning.")] = 2,
    fold_seed: Annotated[int, typer.Option(help="Of folds and classifiers; `--seed` is that of the frames.")] = 0,
    dataset: Annotated[
        Path | None, typer.Option(help="File of `--save` to take the frames from instead.", exists=True)
    ] = None,
    save: Annotated[Path | None, typer.Option(help="File (npz) to keep the frames' features in.")] = None,
    work: Annotated[Path, typer.Option(help="Folder that results are kept in.")] = Path(".cache", "grid"),
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the intervals.")] = RESAMPLES,
    out: Annotated[Path | None, typer.Option(help="Folder of the leaderboard.", show_default="models")] = None,
    output: Annotated[Format, typer.Option("--format", help="A table, or one JSON object a row.")] = Format.TABLE,
) -> None:
    """Run the AutoML grid and write the leaderboard."""
    screen = Console(stderr=True)
    if missing := [name for name in ("pycaret", "skl2onnx") if find_spec(name) is None]:
        screen.print(f"[red]{missing[0]} is not there:[/] the grid needs pip install 'camsortxs\\[train,cpu]'")
        raise typer.Exit(2)
    from camsortxs.offline.grid import table
    from camsortxs.offline.grid.plan import Setting, all_cells, parse
    from camsortxs.offline.grid.run import run

    setting = Setting(trees=trees, folds=folds, inner=inner, seed=fold_seed)
    try:
        cells = parse(only) if only else all_cells()
        kept, unread = (table.load(dataset), 0) if dataset else _gathered(data, cells, screen)
        if save:
            table.save(kept, save)
        frames = kept.dataset
        command = shlex.join(["camsortxs", "leaderboard", *kept.options, *_spelt(setting)])
        with _bar(screen) as bar:
            progress = run(
                frames,
                cells if only else [cell for cell in cells if cell.fits(frames)],
                setting,
                folder=work,
                processes=data.processes,
                budget=None if budget is None else 60 * budget,
                told=_Shown(bar),
            )
        if progress.left_out:
            screen.print(f"left out for want of time: {', '.join(map(str, progress.left_out))}", soft_wrap=True)
        if not progress.done:
            screen.print("[red]Nothing is done:[/] give it more minutes (`--budget`), or cheaper cells (`--only`)")
            raise typer.Exit(2)
        rows = _judge(progress, frames, setting, work, command, resamples, screen)
    except (CamsortxsError, ValueError, OSError) as error:
        complain(screen, "Cannot run the grid", error)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        screen.print("Stopped. Call it again: what is done is kept, and only the rest runs.")
        raise typer.Exit(130) from None
    if output is Format.JSON:
        for row in rows:
            print(json.dumps(_as_json(row)))  # noqa: T201 - this is the output
    else:
        _show(rows, Console())
    folder = out or (None if only else Path("models"))
    if folder:
        written = _write(rows, kept, setting, command, progress, folder)
        screen.print(f"written: {', '.join(map(str, written))}", soft_wrap=True)
    if unread:
        raise typer.Exit(3)


leaderboard.__doc__ = _HELP


def _gathered(data: DataOptions, cells: "Sequence[Cell]", screen: Console) -> "tuple[Kept, int]":
    """Return the features that the cells look at, of all frames, and how many frames could not be read."""
    from camsortxs.classifiers.embeddings import chain_with
    from camsortxs.features.catalogue import CATALOGUE
    from camsortxs.offline.grid.table import Kept

    wanted = {name for cell in cells for name in cell.representations}
    found = data.gather(chain_with([name for name in CATALOGUE if name in wanted]), screen)
    return Kept(dataset=found.dataset, words=found.words, options=tuple(data.spelt())), len(found.failed)


class _Shown:
    """Moves the bar as cells are done."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("cells", left="")

    def __call__(self, progress: "Progress") -> None:
        done, all_of_them = len(progress.done), len(progress.done) + progress.unfinished
        left = f"{progress.seconds_left / 60:.0f} minutes left" if progress.unfinished else ""
        self._bar.update(self._task, completed=done, total=all_of_them, left=left)


def _bar(screen: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        console=screen,
    )


def _frames() -> "list[Frame]":
    """Draw a frame of each technique, to time features on."""
    from camsortxs import simulate  # here, for it compiles

    return [simulate.draw(str(technique), seed=0, index=0).frame() for technique in TECHNIQUES]


def _judge(
    progress: "Progress",
    frames: "Dataset",
    setting: "Setting",
    work: Path,
    command: str,
    resamples: int,
    screen: Console,
) -> "list[Row]":
    """Return the rows of all cells that are done, the best first."""
    from camsortxs.classifiers.embeddings import chain_with
    from camsortxs.offline.grid.board import ranked
    from camsortxs.offline.grid.cost import featurization
    from camsortxs.offline.grid.plan import keys
    from camsortxs.offline.grid.store import Store

    names = keys(progress.done, frames, setting)
    store = Store(work)
    with screen.status("what features cost, and what the answers are worth ..."):
        used = dict.fromkeys(name for cell in progress.done for name in cell.representations)
        features = dict.fromkeys(cell.features for cell in progress.done)
        costs = featurization(features, _frames, chain_with(list(used)).embeddings, file=work / "featurization.json")
        results = (store.load(key) for key in names.values())
        return ranked(results, frames, featurization=costs, command=command, resamples=resamples)


def _write(
    rows: "list[Row]", kept: "Kept", setting: "Setting", command: str, progress: "Progress", folder: Path
) -> list[Path]:
    from camsortxs.offline.grid import board, markdown, plots
    from camsortxs.offline.grid.figures import MEASURED, described

    frames = kept.dataset
    told = markdown.Told(
        data=[kept.words, *described(frames)],
        setting=setting,
        command=command,
        cores=os.cpu_count() or 1,
        left_out=progress.left_out,
        sources=len(set(frames.groups[frames.origins == MEASURED].tolist())),
        digest=frames.digest,
    )
    folder.mkdir(parents=True, exist_ok=True)
    page, spreadsheet = folder / "LEADERBOARD.md", folder / "leaderboard.csv"
    page.write_text(markdown.page(rows, told), encoding="utf-8")
    board.write_csv(rows, spreadsheet)
    return [page, spreadsheet, *plots.draw(rows, frames, folder / "leaderboard")]


def _spelt(setting: "Setting") -> list[str]:
    """Return the options that make the setting."""
    spelt = {"trees": "--trees", "folds": "--folds", "inner": "--inner", "seed": "--fold-seed"}  # `--seed` draws frames
    return [word for name, option in spelt.items() for word in (option, str(getattr(setting, name)))]


def _show(rows: "list[Row]", screen: Console) -> None:
    from camsortxs.offline.grid.board import RANKED_BY, value_of

    table = Table(title=f"{len(rows)} cells, by balanced accuracy on {rows[0].judged_on} frames, every group alike")
    columns = (RANKED_BY, "accuracy", "auc", "mcc", "ece")
    for heading in ("", "cell", *(name.replace("_", " ") for name in columns), "us a frame"):
        table.add_column(heading, justify="left" if heading == "cell" else "right", overflow="fold")
    for rank, row in enumerate(rows[:_SHOWN], start=1):
        values = [f"{value_of(row, row.judged_on, name):.3f}" for name in columns]
        table.add_row(str(rank), str(row.result.cell), *values, f"{row.microseconds:,.0f}")
    screen.print(table)


def _as_json(row: "Row") -> dict[str, object]:
    served = row.result.served
    return {
        "features": row.result.cell.features,
        "classifier": row.result.cell.classifier,
        "figures": row.figures,
        "features_microseconds": row.features_microseconds,
        "classifier_microseconds": served.microseconds,
        "onnx_bytes": served.bytes,
        "fit_seconds": row.result.fit_seconds,
        "folds": row.result.folds,
        "command": row.command,
    }
