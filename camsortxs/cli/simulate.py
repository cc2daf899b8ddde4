"""`camsortxs simulate`: draw frames and write them as files."""

import csv
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from camsortxs.cli.output import complain
from camsortxs.frames import MAX_PIXELS
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.sheet import Picture
    from camsortxs.simulate import Drawn

_HELP = """Draw frames from physics and write them as NXsas-like HDF5 files with a `labels.csv`.

The same seed draws the same frames, bit by bit. `all` is the four techniques in turn, `nothing` the frames that show
none of them (dark, shutter closed, direct beam, flat field, empty holder). Frames of one kind and size share a file, at
most 1000 of them; everything that was drawn, down to the width of the beam stop, is saved with each.

Examples:

    camsortxs simulate --count 100 --seed 7 --out frames/ --contact-sheet

    camsortxs simulate --technique GISAXS --count 20 --shape 1679x1475 --out frames/
"""


_SHOWN = 96


class What(StrEnum):
    """What can be drawn."""

    ALL = "all"
    NOTHING = "nothing"
    SAXS = "SAXS"
    WAXS = "WAXS"
    GISAXS = "GISAXS"
    GIWAXS = "GIWAXS"


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write to; made when it is not there.")],
    technique: Annotated[What, typer.Option(help="What to draw.")] = What.ALL,
    count: Annotated[int, typer.Option(min=1, help="How many frames in all.")] = 40,
    seed: Annotated[int, typer.Option(help="Which frames.")] = 1,
    shape: Annotated[str | None, typer.Option(help="ROWSxCOLUMNS; else realistic detectors, binned.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes to draw in.")] = 1,
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Also draw the first 96 on one PNG.")] = False,
) -> None:
    """Draw frames from physics and write them as files."""
    from camsortxs.adapters.nxfile import DATASET, FrameFiles
    from camsortxs.simulate import draw_many

    screen = Console(stderr=True)
    kinds = _kinds(technique)
    size = _shape(shape)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        complain(screen, "Cannot write", error)
        raise typer.Exit(2) from error
    shown: list[Picture] = []
    with (out / "labels.csv").open("w", newline="") as file, FrameFiles(out) as files:
        labels = csv.writer(file)
        labels.writerow(["file", "technique", "source", "hdf5_dataset", "frame_index", "kind", "q90", "flags"])
        frames = draw_many(kinds, count=count, seed=seed, shape=size, processes=processes)
        for one in track(frames, total=count, console=screen, description="drawing"):
            known = {"seed": one.seed, "index": one.index, "detector": one.detector, "q90": one.q90, **one.parameters}
            name, place = files.write(one.kind, one.frame(with_geometry=True), known)
            label, flags = str(one.technique) if one.technique else "no_signal", " ".join(one.flags)
            source = f"simulated {one.detector}"
            labels.writerow([name, label, source, DATASET, place, one.kind, f"{one.q90:.4f}", flags])
            if contact_sheet and len(shown) < _SHOWN:
                shown.append(_picture(one))
    screen.print(f"{count} frames and labels.csv in {out}")
    if contact_sheet:
        from camsortxs.sheet import draw_sheet

        shown.sort(key=lambda picture: kinds.index(picture.truth or ""))
        title, sheet = f"{len(shown)} simulated frames", out / "contact-sheet.png"
        draw_sheet(shown, sheet, title=title, subtitle=f"seed {seed}; logarithm of the counts, bad pixels grey")
        screen.print(f"{len(shown)} of them on {sheet}")


simulate.__doc__ = _HELP


def _kinds(technique: What) -> Sequence[str]:
    if technique is What.ALL:
        return tuple(map(str, TECHNIQUES))
    from camsortxs.simulate.nothing import KINDS

    return KINDS if technique is What.NOTHING else (str(technique),)


def _shape(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        rows, columns = (int(side) for side in text.lower().split("x"))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not ROWSxCOLUMNS, for example 1679x1475") from error
    if min(rows, columns) < 32:
        raise typer.BadParameter("a frame has at least 32 rows and columns")
    if rows * columns > MAX_PIXELS:
        raise typer.BadParameter(f"a frame has at most {MAX_PIXELS} pixels")
    return rows, columns


def _picture(one: "Drawn") -> "Picture":
    from camsortxs.sheet import Picture, thumbnail

    sample = one.parameters.get(f"{one.kind}.sample") or one.parameters.get(f"{one.kind}.film") or ""
    return Picture(
        image=thumbnail(one.image, one.mask), name=f"{one.detector}, seed {one.seed}, index {one.index}",
        truth=one.kind, label=str(sample).replace("_", " "), probability=None, correct=None,
    )  # fmt: skip
