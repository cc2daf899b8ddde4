"""`camsortxs explain`: why a frame was named as it was, as a picture and as numbers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from camsortxs.cli.output import Format, complain, writable
from camsortxs.decision import decide
from camsortxs.errors import CamsortxsError, FrameError
from camsortxs.frames import Frame
from camsortxs.techniques import TECHNIQUES, Decision

if TYPE_CHECKING:
    from camsortxs.classifiers.embeddings import OnnxEmbedding
    from camsortxs.explain import Explanation, Heat

_SHOWN = 12
_HELP = """Show why a frame was named as it was: which areas of it, and which features, the answer hangs on.

Each area of the frame is masked in turn, each feature replaced by its values in other frames; what the probability of
the answer loses is drawn on a PNG beside the frame, and listed. Where a convolutional network is looked through (by
the model's features, or the one named by `--embedding`), one more panel shows what it sees the answer in (Grad-CAM).
It is about the image alone: what headers say is not asked. Takes some seconds. Exit code 3 when the frame cannot be
read or shows nothing, 2 when the model cannot be used.

Examples:

    camsortxs explain scan_0001.cbf

    camsortxs explain 'run.h5::entry/data/data[7]' --out why.png --format json

    camsortxs explain scan_0001.cbf --embedding lenet
"""


def _drawable(path: Path) -> Path:
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise typer.BadParameter(f"{path} should end in .png, .pdf or .svg")
    writable(path)
    return path


def explain(
    path: Annotated[str, typer.Argument(help="A file, or file.h5::dataset[index]; the first frame of it.")],
    out: Annotated[Path, typer.Option(callback=_drawable, help="The picture to write: PNG, PDF or SVG.")] = Path(
        "explanation.png"
    ),
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    embedding: Annotated[
        str | None, typer.Option(help="Name of a shipped embedding, or a folder of one, to look through as well.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="Table, or one JSON object.")] = Format.TABLE,
) -> None:
    """Show why a frame was named as it was."""
    from camsortxs.cli.model import load_parts
    from camsortxs.explain import explain as take_apart
    from camsortxs.explain import look
    from camsortxs.signal import no_signal

    screen = Console(stderr=True)
    try:
        featurizer, classifier, others = load_parts(model)
        embeddings = [*featurizer.embeddings.values(), *([_embedding(embedding)] if embedding else [])]
        frame = _first(path)
        if nothing := no_signal(frame):
            raise FrameError("no_signal", f"{path} is `no_signal` ({nothing}): there is nothing in it to name")
        with screen.status("asking again and again ..."):
            found = take_apart(frame, featurizer, classifier, others)
            heats = [look(frame, embedding, found.technique) for embedding in embeddings]
    except CamsortxsError as error:
        complain(screen, "Cannot explain", error)
        raise typer.Exit(3 if isinstance(error, FrameError) else 2) from error
    decided = decide(found.probabilities, classifier.threshold)
    _draw(out, frame, found, decided, heats)
    if output is Format.JSON:
        print(json.dumps(_report(path, found, decided, heats, out)))  # noqa: T201 - this is the output
    else:
        Console().print(_table(found, decided))
    screen.print(f"\ndrawn on {out}")


explain.__doc__ = _HELP


def _first(path: str) -> Frame:
    from camsortxs.adapters.folder import FolderFrames

    for batch in FolderFrames(paths=[path], batch=1, geometry=False).batches():
        for frame in batch.frames:
            return frame
        for refusal in batch.rejected:
            raise FrameError(refusal.reason, refusal.message)
    raise FrameError("no_image", f"{path} holds no frame")


def _embedding(name: str) -> "OnnxEmbedding":
    """Load an embedding from a folder, or a shipped one by its name."""
    from camsortxs.classifiers.embeddings import load_embedding, shipped_embedding

    return load_embedding(Path(name)) if Path(name).exists() or "/" in name else shipped_embedding(name)


def _report(path: str, found: "Explanation", decided: Decision, heats: list["Heat"], out: Path) -> dict[str, Any]:
    areas = [[None if np.isnan(loss) else round(float(loss), 6) for loss in row] for row in found.areas]
    return {
        "path": path,
        "technique": str(found.technique),
        "decided": str(decided),
        "probabilities": {str(t): round(p, 6) for t, p in zip(TECHNIQUES, found.probabilities, strict=True)},
        "features": [{"name": n, "value": round(v, 6), "loss": round(loss, 6)} for n, v, loss in found.features],
        "areas": areas,
        "grad_cam": [
            {
                "embedding": heat.embedding,
                "technique": str(heat.technique),
                "probabilities": {str(t): round(p, 6) for t, p in zip(TECHNIQUES, heat.probabilities, strict=True)},
                "map": heat.map.round(4).tolist(),
            }
            for heat in heats
        ],
        "picture": str(out),
    }


def _said(found: "Explanation", decided: Decision) -> str:
    """Say what is most probable, and what the frame is named where that is not stood by."""
    otherwise = "" if decided == found.technique else f", and so named {decided}"
    return f"{found.technique} {max(found.probabilities):.0%} by the image alone{otherwise}"


def _table(found: "Explanation", decided: Decision) -> Table:
    probability = max(found.probabilities)
    table = Table(title=f"{_said(found, decided)}; without a feature {found.technique} would be")
    for heading, justify in (("feature", "left"), ("its value", "right"), ("without it", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    for name, value, loss in found.features[:_SHOWN]:
        table.add_row(name, f"{value:.3g}", f"{probability - loss:.0%}")
    return table


def _draw(path: Path, frame: Frame, found: "Explanation", decided: Decision, heats: list["Heat"]) -> None:
    """Draw the frame, the frame with its areas, what networks looked at, and the features side by side."""
    from matplotlib.figure import Figure

    from camsortxs.sheet import FAINT, GROUND, INK, thumbnail

    picture = thumbnail(frame.image, frame.mask, size=512)
    panels = 2 + len(heats)
    figure = Figure(figsize=(5.2 + 4.9 * panels, 5.2), dpi=110, facecolor=GROUND, layout="constrained")
    plain, areas, *seen, features = figure.subplots(1, panels + 1, width_ratios=(*[1] * panels, 1.1))
    plain.imshow(picture)
    plain.set_title("the frame, logarithm of its counts", color=FAINT, fontsize=9)
    grey = picture.mean(axis=2)
    areas.imshow(grey, cmap="gray", vmin=0, vmax=1.4)
    limit = max(float(np.nanmax(np.abs(found.areas), initial=0.0)), 0.01)
    height, width = picture.shape[:2]
    whole = (-0.5, width - 0.5, height - 0.5, -0.5)
    areas.imshow(
        found.areas,
        cmap="RdBu",
        vmin=-limit,
        vmax=limit,
        alpha=0.75 * np.sqrt(np.nan_to_num(np.abs(found.areas)) / limit),
        extent=whole,
    )
    areas.set_title("blue speaks for it, red against it", color=FAINT, fontsize=9)
    areas.text(0.5, -0.03, f"at most {limit:.0%} a square", color=FAINT, fontsize=8, ha="center", va="top",
               transform=areas.transAxes)  # fmt: skip
    for axes, heat in zip(seen, heats, strict=True):
        axes.imshow(grey, cmap="gray", vmin=0, vmax=1.4)
        axes.imshow(
            heat.map, cmap="viridis", vmin=0, vmax=1, alpha=0.65 * heat.map, extent=whole, interpolation="bilinear"
        )
        axes.set_title(f"where {heat.embedding} sees {heat.technique} (Grad-CAM)", color=FAINT, fontsize=9)
        axes.text(0.5, -0.03, f"by itself it says {_all(heat.probabilities)}", color=FAINT, fontsize=8, ha="center",
                  va="top", transform=axes.transAxes)  # fmt: skip
    for axes in (plain, areas, *seen):
        axes.set_axis_off()
    names, _, losses = zip(*reversed(found.features[:_SHOWN]), strict=True)
    features.barh(names, losses, color="#4c8dd6")
    features.set_facecolor(GROUND)
    features.tick_params(colors=INK, labelsize=8)
    features.set_title("loss without the feature", color=FAINT, fontsize=9)
    features.spines[:].set_visible(False)
    figure.suptitle(
        f"{_said(found, decided)}   ({_all(found.probabilities)})",
        color=INK,
        fontsize=13,
        fontweight="bold",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _all(probabilities: tuple[float, ...]) -> str:
    return ", ".join(f"{t} {p:.0%}" for t, p in zip(TECHNIQUES, probabilities, strict=True))
