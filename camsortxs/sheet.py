"""The contact sheet: frames as pictures, with what they are and what they were called."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

SIZE = 180
"""A picture is this many pixels wide and high at most."""
GROUND, INK, FAINT = "#0e1117", "#e6e8ec", "#8b93a1"
_RIGHT, _WRONG, _OPEN = "#3fb56b", "#e5484d", "#6b7280"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One cell: `image` (height, width, 3) in [0, 1].

    `truth` is None where nobody knows it, `correct` where nothing right or wrong was said.
    """

    image: npt.NDArray[np.float32]
    name: str
    truth: str | None
    label: str
    probability: float | None
    correct: bool | None


def thumbnail(
    image: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None = None, size: int = SIZE
) -> npt.NDArray[np.float32]:
    """Return `image` (height, width) as colours (h, w, 3), log scale, at most `size` pixels a side; bad pixels grey."""
    bad = np.zeros(image.shape, dtype=bool) if mask is None else mask
    values = np.where(bad, 0.0, np.log1p(np.maximum(np.nan_to_num(image.astype(np.float64)), 0.0)))
    step = max(1, -(-max(image.shape) // size))
    pooled, weight = _pool(values, step), _pool(~bad * 1.0, step)
    good = weight > 0.25
    pooled = np.divide(pooled, weight, out=np.zeros_like(pooled), where=good)
    lit = pooled[good & (pooled > 0)]
    low, high = np.percentile(lit, [1.0, 99.7]) if lit.size else (0.0, 1.0)
    scaled = np.clip((pooled - low) / max(high - low, 1e-9), 0.0, 1.0)
    colours: npt.NDArray[np.float32] = mpl.colormaps["inferno"](scaled)[..., :3].astype(np.float32)
    colours[~good] = (0.23, 0.25, 0.28)
    return colours


def draw_sheet(pictures: Sequence[Picture], path: Path, *, title: str, subtitle: str = "", columns: int = 8) -> None:
    """Write the sheet as a PNG, the pictures in the order given, a new row where the truth changes."""
    groups = [(truth, list(group)) for truth, group in groupby(pictures, key=lambda picture: picture.truth)]
    columns = min(columns, max((len(group) for _, group in groups), default=1))
    rows = sum(-(-len(group) // columns) for _, group in groups)
    cell, left, top = (1.55, 1.98), 0.9, 0.85
    width, height = max(left + columns * cell[0] + 0.2, 7.5), top + rows * cell[1] + 0.2
    figure = Figure(figsize=(width, height), dpi=120, facecolor=GROUND)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    axes.text(0.2, 0.25, title, color=INK, fontsize=13, fontweight="bold", va="center")
    axes.text(0.2, 0.52, subtitle, color=FAINT, fontsize=9, va="center")
    y = top
    for truth, group in groups:
        axes.text(left - 0.2, y + 0.7, truth or "unlabelled", color=INK, fontsize=10, ha="right", va="center",
                  rotation=90, fontweight="bold")  # fmt: skip
        for place, picture in enumerate(group):
            row, column = divmod(place, columns)
            _cell(axes, picture, left + column * cell[0], y + row * cell[1])
        y += -(-len(group) // columns) * cell[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    with BytesIO() as drawn:
        figure.savefig(drawn)
        # A palette halves the file, and nobody sees it.
        Image.open(drawn).convert("RGB").quantize(256).save(path, format="png", optimize=True)


def _cell(axes: Any, picture: Picture, x: float, y: float, side: float = 1.4) -> None:
    colour = {True: _RIGHT, False: _WRONG, None: _OPEN}[picture.correct]
    height, width = picture.image.shape[:2]
    scale = side / max(height, width)
    w, h = width * scale, height * scale
    left, top = x + (side - w) / 2, y + (side - h) / 2
    axes.imshow(picture.image, extent=(left, left + w, top + h, top), interpolation="nearest", aspect="auto", zorder=1)
    axes.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor=colour, linewidth=2.2, zorder=2))
    sure = "" if picture.probability is None else f"  {picture.probability:.0%}"
    axes.text(x, y + side + 0.16, f"{picture.label}{sure}", color=colour if picture.correct is not None else INK,
              fontsize=8.5, fontweight="bold", va="center")  # fmt: skip
    axes.text(x, y + side + 0.35, _short(picture.name), color=FAINT, fontsize=6, va="center")


def _pool(values: npt.NDArray[Any], step: int) -> npt.NDArray[np.float64]:
    """Return the means of squares of `step` pixels a side; what does not fill one at the edges is left out."""
    height, width = (max(1, side // step) for side in values.shape)
    cut = values[: height * step, : width * step]
    squares: npt.NDArray[np.float64] = cut.reshape(height, cut.shape[0] // height, width, cut.shape[1] // width)
    means: npt.NDArray[np.float64] = squares.mean(axis=(1, 3))
    return means


def _short(name: str, length: int = 31) -> str:
    return name if len(name) <= length else f"{name[: length // 2 - 1]}...{name[-(length // 2 - 2) :]}"
