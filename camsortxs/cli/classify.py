"""`camsortxs classify`: name the technique of the frames in files and folders."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from camsortxs.cli.output import Format, complain, counting, writable
from camsortxs.errors import ModelError
from camsortxs.frames import Batch, FrameKey
from camsortxs.records import Outcome
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.adapters.folder import FolderFrames

Row = dict[str, Any]

_HELP = """Name the technique of every frame in files and folders.

Reads TIFF, EDF, CBF, MAR, ADSC, HDF5/NeXus and .npy, gzipped ones too; `file.h5::dataset[index]` picks one frame.
With `--format json` one JSON object a line comes on standard output, frame by frame; `technique` is null unless it is
stood by. Exit code 3 when a file could not be read (after all the others were done), 2 when the model cannot be used.

Examples:

    camsortxs classify scan_0001.cbf frames/

    camsortxs classify frames/ --contact-sheet names.png

    camsortxs classify --format json --image-only 'run.h5::entry/data/data[7]' | jq .decided
"""


def classify(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, or file.h5::dataset[index].")],
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    image_only: Annotated[bool, typer.Option("--image-only", help="Ignore distances and angles in headers.")] = False,
    output: Annotated[Format, typer.Option("--format", help="Table, or one JSON object a line.")] = Format.TABLE,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(metavar="PNG", callback=writable, help="Also draw the first 96 frames with their names on a PNG."),
    ] = None,
) -> None:
    """Name the technique of every frame in files and folders."""
    from camsortxs.adapters.folder import FolderFrames
    from camsortxs.cli.model import build_line

    screen = Console(stderr=True)
    sink = RowSink(stream=output is Format.JSON)
    try:
        line = build_line(model, sink=sink)
    except ModelError as error:
        complain(screen, "The model cannot be used", error)
        raise typer.Exit(2) from error
    source = Seen(FolderFrames(paths=paths, batch=1, geometry=not image_only), most=96 if contact_sheet else 0)
    if output is Format.JSON:
        line.run(source)
    else:
        with counting(screen, transient=True) as progress:
            line.run(Counted(source, progress))
        # A pipe has no width of its own, and 80 columns fold every name.
        Console(width=None if sys.stdout.isatty() else 120).print(_table(sink.rows))
    if contact_sheet:
        _draw_sheet(contact_sheet, source, sink.rows)
        screen.print(f"{len(source.pictures)} frames on {contact_sheet}")
    if any(row["error"] for row in sink.rows):
        raise typer.Exit(3)


classify.__doc__ = _HELP


class Seen:
    """Hands the frames of a source on, and keeps small pictures of the first of them, by where they are."""

    def __init__(self, source: "FolderFrames", *, most: int) -> None:
        self.source, self.most = source, most
        self.pictures: dict[tuple[Any, ...], Any] = {}

    def batches(self) -> Iterator[Batch]:
        """Yield the batches as they are."""
        for batch in self.source.batches():
            for frame in batch.frames[: self.most - len(self.pictures)]:
                from camsortxs.sheet import thumbnail

                self.pictures[tuple(_where(frame.key).values())] = thumbnail(frame.image, frame.mask)
            yield batch


class Counted:
    """Hands the frames of a source on, and moves a bar by each file whose frames have all been named."""

    def __init__(self, source: Seen, progress: Progress) -> None:
        self.source, self.progress = source, progress

    def batches(self) -> Iterator[Batch]:
        """Yield the batches as they are."""
        files, frames = sum(1 for _ in self.source.source.places()), 0
        task = self.progress.add_task("compiling the features, ten seconds", total=files)
        for batch in self.source.batches():
            yield batch
            frames += len(batch.frames)
            self.progress.update(task, description=f"{frames} frames named", advance=len(batch.ended))


class RowSink:
    """Keeps a row a frame, and prints each as JSON at once when it streams."""

    def __init__(self, *, stream: bool) -> None:
        self.rows: list[Row] = []
        self._stream = stream

    def write(self, outcome: Outcome) -> None:
        """Take the rows of one batch."""
        for row in rows_of(outcome):
            self.rows.append(row)
            if self._stream:
                said = {name: value for name, value in row.items() if name != "flags"}  # programs rely on these keys
                print(json.dumps(said), flush=True)  # noqa: T201 - this is the output


def rows_of(outcome: Outcome) -> Iterator[Row]:
    """Spell an outcome as the rows that are printed."""
    for record in outcome.records:
        prediction = record.prediction
        p = prediction.probabilities
        yield {
            **_where(record.key),
            "technique": None if prediction.technique is None else str(prediction.technique),
            "decided": str(prediction.decided),
            "probabilities": None if p is None else {str(t): round(x, 6) for t, x in zip(TECHNIQUES, p, strict=True)},
            "contradiction": prediction.contradiction,
            "flags": [str(flag) for flag in prediction.flags],
            "ms": round(1000 * record.seconds, 3),
            "error": None,
        }
    for refusal in outcome.rejected:
        origin = dict.fromkeys(("path", "dataset", "index")) | {
            name: value for name, value in refusal.origin.items() if name in ("path", "dataset", "index")
        }
        answer: Row = dict.fromkeys(("technique", "decided", "probabilities", "contradiction", "flags", "ms"))
        yield {**origin, **answer, "error": f"{refusal.reason}: {refusal.message}"}


def _draw_sheet(path: Path, seen: Seen, rows: list[Row]) -> None:
    from camsortxs.sheet import Picture, draw_sheet

    pictures = []
    for row, name in zip(rows, _names(rows), strict=True):
        image = seen.pictures.get((row["path"], row["dataset"], row["index"]))
        if image is not None:
            decided, p = row["decided"] or "not readable", row["probabilities"]
            sure = p[row["technique"]] if p and row["technique"] else None
            pictures.append(Picture(image=image, name=name, truth=None, label=decided, probability=sure, correct=None))
    draw_sheet(pictures, path, title=f"{len(pictures)} frames", subtitle="logarithm of the counts, bad pixels grey")


def _names(rows: list[Row]) -> list[str]:
    """Name each frame as shortly as tells it from the others: by the name of its file, where that is not another's."""
    paths = [Path(row["path"] or "") for row in rows]
    several = {path for path, number in Counter(paths).items() if number > 1}
    alike = {name for name, number in Counter(path.name for path in set(paths)).items() if number > 1}
    names = []
    for row, path in zip(rows, paths, strict=True):
        name = _shortened(str(path) if path.name in alike else path.name)
        index = "" if row["index"] is None else f"[{row['index']}]"
        if row["dataset"]:
            name += f"::{row['dataset']}{index}"
        elif path in several:
            name += f"::{index}"
        names.append(name)
    return names


def _shortened(name: str, longest: int = 36) -> str:
    """Leave out the middle of a long name: scan numbers stand at its end."""
    return name if len(name) <= longest else f"{name[: longest // 3]}…{name[-(2 * longest // 3 - 1) :]}"


def _where(key: FrameKey) -> Row:
    return {"path": key.run, "dataset": None if key.data_key == "image" else key.data_key, "index": key.index}


def _table(rows: list[Row]) -> Table:
    failed = sum(row["error"] is not None for row in rows)
    table = Table(title=f"{len(rows) - failed} frames, {failed} not readable")
    for heading, justify in (("frame", "left"), ("decided", "left"), *((str(t), "right") for t in TECHNIQUES)):
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    table.add_column("ms", justify="right")
    table.add_column("note", overflow="fold")
    for row, name in zip(rows, _names(rows), strict=True):
        p = row["probabilities"]
        shares = [f"{p[str(t)]:.2f}" if p else "" for t in TECHNIQUES]
        style = "red" if row["error"] else None if row["technique"] else "yellow"
        ms = "" if row["ms"] is None else f"{row['ms']:.0f}"
        note = row["error"] or row["contradiction"] or ", ".join(row["flags"])
        table.add_row(escape(name), row["decided"] or "", *shares, ms, escape(note), style=style)
    return table
