"""`camsortxs drift`: whether frames are like those that a model learnt from."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from camsortxs.cli.output import Format, complain
from camsortxs.drift import DRIFTED, ENOUGH
from camsortxs.errors import ModelError
from camsortxs.records import Outcome

_HELP = f"""Say how like the frames of each PATH are to those that a model learnt from.

`outside` is the share of feature values that the training frames hardly ever had: 0.01 for frames like them.
`drifted` is the share of features whose population stability index is above {DRIFTED}, told from {ENOUGH} frames on:
frames of one kind drift from a training set of all kinds, whatever the model knows of them. The features that moved
most are named.
Exit code 3 when a frame could not be read (after all the others), 2 when the model cannot be used or has nothing to
compare with.

Examples:

    camsortxs drift frames/

    camsortxs drift last-week/ today/ --shown 3

    camsortxs drift frames/ --format json | jq '.[0].outside'
"""


def drift(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders; one row each.")],
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    output: Annotated[Format, typer.Option("--format", help="Tables, or one JSON list.")] = Format.TABLE,
    shown: Annotated[int, typer.Option(min=0, help="Features named for each path.")] = 5,
) -> None:
    """Say how like frames are to those that a model learnt from."""
    screen = Console(stderr=True)
    try:
        with Progress(console=screen, transient=True) as progress:
            rows = [_measured(path, model, shown, progress) for path in paths]
    except ModelError as error:
        complain(screen, "The model cannot be used", error)
        raise typer.Exit(2) from error
    if output is Format.JSON:
        print(json.dumps(rows))  # noqa: T201 - this is the output
    else:
        # A pipe has no width of its own, and 80 columns fold every name.
        _show(rows, Console(width=None if sys.stdout.isatty() else 120))
    errors = [error for row in rows for error in row["errors"]]
    for told in errors:
        complain(screen, "not read", told)
    if errors:
        raise typer.Exit(3)


drift.__doc__ = _HELP


class _Refusals:
    """Keeps what could not be read; the records are not asked for."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def write(self, outcome: Outcome) -> None:
        """Note the refusals of one batch."""
        self.errors += [f"{item.origin.get('path', '')}: {item.reason}: {item.message}" for item in outcome.rejected]


def _measured(path: Path, model: Path | None, shown: int, progress: Progress) -> dict[str, Any]:
    from camsortxs.adapters.folder import FolderFrames
    from camsortxs.cli.model import build_watching_line

    sink = _Refusals()
    line, seen, names = build_watching_line(model, sink=sink)
    task = progress.add_task(str(path), total=None)
    for batch in FolderFrames(paths=[str(path)], batch=1).batches():
        line.process(batch)
        progress.advance(task, len(batch.frames) + len(batch.unread))
    psi = seen.psi()
    order = np.argsort(-psi)[:shown]
    return {
        "path": str(path),
        "frames": seen.frames,
        "outside": round(seen.outside(), 4) if seen.frames else None,
        "drifted": round(float((psi > DRIFTED).mean()), 4) if psi.size else None,
        "moved": [{"feature": names[place], "psi": round(float(psi[place]), 3)} for place in order],
        "errors": sink.errors,
    }


def _show(rows: list[dict[str, Any]], screen: Console) -> None:
    table = Table(title="how like the training frames?")
    for heading in ("path", "frames", "outside", "drifted", "moved most (stability index)"):
        table.add_column(heading, justify="right" if heading in ("frames", "outside", "drifted") else "left")
    for row in rows:
        figures = ("" if row[name] is None else f"{row[name]:.3f}" for name in ("outside", "drifted"))
        moved = ", ".join(f"{one['feature']} ({one['psi']:.2g})" for one in row["moved"])
        few = f"fewer than {ENOUGH} frames" if row["drifted"] is None else ""
        table.add_row(escape(row["path"]), str(row["frames"]), *figures, moved or few)
    screen.print(table)
