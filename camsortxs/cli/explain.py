"""`camsortxs explain`: why a frame was named as it was, as a picture and as numbers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from camsortxs.adapters.folder import FolderFrames
from camsortxs.cli.output import Format
from camsortxs.errors import CamsortxsError, FrameError
from camsortxs.frames import Frame
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.explain import Explanation

_SHOWN = 12
_HELP = """Show why a frame was named as it was: which areas of it, and which features, the answer hangs on.

Each area of the frame is masked in turn, each feature replaced by its values in other frames; what the probability of
the answer loses is drawn on a PNG beside the frame, and listed. It is about the image alone: what headers say is not
asked. Takes some seconds. Exit code 3 when the frame cannot be read, 2 when the model cannot be used.

Examples:

    camsortxs explain scan_0001.cbf

    camsortxs explain 'run.h5::entry/data/data[7]' --out why.png --format json
"""


def explain(
    path: Annotated[str, typer.Argument(help="A file, or file.h5::dataset[index]; the first frame of it.")],
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("explanation.png"),
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    output: Annotated[Format, typer.Option("--format", help="Table, or one JSON object.")] = Format.TABLE,
) -> None:
    """Show why a frame was named as it was."""
    from camsortxs.cli.model import load_parts
    from camsortxs.explain import explain as take_apart

    screen = Console(stderr=True)
    try:
        featurizer, classifier, others = load_parts(model)
        frame = _first(path)
        with screen.status("asking again and again ..."):
            found = take_apart(frame, featurizer, classifier, others)
    except CamsortxsError as error:
        screen.print(f"[red]Cannot explain:[/] {error}", soft_wrap=True)
        raise typer.Exit(3 if isinstance(error, FrameError) else 2) from error
    _draw(out, frame, found)
    if output is Format.JSON:
        print(json.dumps(_report(path, found, out)))  # noqa: T201 - this is the output
    else:
        Console().print(_table(found))
    screen.print(f"\ndrawn on {out}")


explain.__doc__ = _HELP


def _first(path: str) -> Frame:
    for batch in FolderFrames(paths=[path], batch=1, geometry=False).batches():
        for frame in batch.frames:
            return frame
        for refusal in batch.rejected:
            raise FrameError(refusal.reason, refusal.message)
    raise FrameError("no_image", f"{path} holds no frame")


def _report(path: str, found: "Explanation", out: Path) -> dict[str, Any]:
    areas = [[None if np.isnan(loss) else round(float(loss), 6) for loss in row] for row in found.areas]
    return {
        "path": path,
        "technique": str(found.technique),
        "probabilities": {str(t): round(p, 6) for t, p in zip(TECHNIQUES, found.probabilities, strict=True)},
        "features": [{"name": n, "value": round(v, 6), "loss": round(loss, 6)} for n, v, loss in found.features],
        "areas": areas,
        "picture": str(out),
    }


def _table(found: "Explanation") -> Table:
    probability = max(found.probabilities)
    table = Table(title=f"{found.technique} {probability:.0%} by the image alone; without a feature it would be")
    for heading, justify in (("feature", "left"), ("its value", "right"), ("without it", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    for name, value, loss in found.features[:_SHOWN]:
        table.add_row(name, f"{value:.3g}", f"{probability - loss:.0%}")
    return table


def _draw(path: Path, frame: Frame, found: "Explanation") -> None:
    """Draw the frame, the frame with its areas, and the features side by side."""
    from matplotlib.figure import Figure

    from camsortxs.sheet import FAINT, GROUND, INK, thumbnail

    picture = thumbnail(frame.image, frame.mask, size=512)
    figure = Figure(figsize=(15, 5.2), dpi=110, facecolor=GROUND, layout="constrained")
    plain, areas, features = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    plain.imshow(picture)
    plain.set_title("the frame, logarithm of its counts", color=FAINT, fontsize=9)
    areas.imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=1.4)
    limit = max(float(np.nanmax(np.abs(found.areas), initial=0.0)), 0.01)
    height, width = picture.shape[:2]
    areas.imshow(
        found.areas,
        cmap="RdBu",
        vmin=-limit,
        vmax=limit,
        alpha=0.75 * np.sqrt(np.nan_to_num(np.abs(found.areas)) / limit),
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    areas.set_title("blue speaks for it, red against it", color=FAINT, fontsize=9)
    areas.text(0.5, -0.03, f"at most {limit:.0%} a square", color=FAINT, fontsize=8, ha="center", va="top",
               transform=areas.transAxes)  # fmt: skip
    for axes in (plain, areas):
        axes.set_axis_off()
    names, _, losses = zip(*reversed(found.features[:_SHOWN]), strict=True)
    features.barh(names, losses, color="#4c8dd6")
    features.set_facecolor(GROUND)
    features.tick_params(colors=INK, labelsize=8)
    features.set_title("loss without the feature", color=FAINT, fontsize=9)
    features.spines[:].set_visible(False)
    others = ", ".join(f"{t} {p:.0%}" for t, p in zip(TECHNIQUES, found.probabilities, strict=True))
    figure.suptitle(f"{found.technique} by the image alone   ({others})", color=INK, fontsize=13, fontweight="bold")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
