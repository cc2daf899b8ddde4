"""The plots of the leaderboard, as PNG files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import CLASSIFIERS, TITLES
from camsortxs.offline.grid.board import RANKED_BY, Row, front
from camsortxs.offline.grid.figures import MEASURED, SIMULATED
from camsortxs.offline.metrics import BINS, reliability
from camsortxs.techniques import TECHNIQUES

_COLOURS = dict(zip(CLASSIFIERS, ("#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7"), strict=True))
_MARKS = dict(zip(CLASSIFIERS, "osD^v", strict=True))
_INK, _FAINT = "#22262d", "#9aa1ab"
_RIGHT, _WRONG = np.array([0.45, 0.78, 0.55]), np.array([0.93, 0.47, 0.42])
_DPI = 130


def draw(rows: Sequence[Row], dataset: Dataset, folder: Path) -> list[Path]:
    """Write every plot into `folder`; the best row comes first in `rows`."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "accuracy-against-time": accuracy_against_time(rows),
        "cells": cells(rows),
        "confusion-by-source": confusion_by_source(rows[0], dataset),
        "reliability": reliability_of(rows[0], dataset),
    }
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=_DPI, facecolor="white", bbox_inches="tight", metadata={"Software": None})
    return paths


def accuracy_against_time(rows: Sequence[Row]) -> Figure:
    """Each cell as a point; the line is the Pareto front, with the interval of each point on it."""
    figure, axes = _axes(10.5, 6.2)
    for name in CLASSIFIERS:
        some = [row for row in rows if row.result.cell.classifier == name]
        axes.scatter(
            [row.microseconds for row in some],
            [row.score for row in some],
            s=34,
            marker=_MARKS[name],
            color=_COLOURS[name],
            alpha=0.75,
            linewidths=0,
            label=TITLES[name],
            zorder=3,
        )
    best = front(rows)
    x, y = [row.microseconds for row in best], [row.score for row in best]
    axes.step([*x, axes.get_xlim()[1]], [*y, y[-1]], where="post", color=_INK, linewidth=1.2, zorder=2)
    intervals = [row.figures[row.judged_on][RANKED_BY]["interval"] or (row.score, row.score) for row in best]
    spread = np.abs(np.array(intervals).T - np.array(y))
    axes.errorbar(x, y, yerr=spread, fmt="none", ecolor=_FAINT, elinewidth=1, capsize=2, zorder=1)
    for number, row in enumerate(best, start=1):
        axes.annotate(
            str(number),
            (row.microseconds, row.score),
            xytext=(-5, 6),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            fontweight="bold",
            color=_INK,
        )
    key = "\n".join(f"{number}  {row.result.cell}  {row.score:.2f}" for number, row in enumerate(best, start=1))
    axes.text(1.02, 0.60, f"Pareto front\n{key}", transform=axes.transAxes, va="top", fontsize=9, color=_INK)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("microseconds a standardised frame: features and classifier, one thread")
    axes.set_ylabel(f"balanced accuracy, {rows[0].judged_on} frames, by {_by(rows[0])}")
    axes.set_title("What accuracy costs (bars: 95 % intervals of the front)", loc="left", color=_INK)
    axes.grid(color="#e7e9ec", zorder=0)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure


def cells(rows: Sequence[Row]) -> Figure:
    """Every representation and union by every classifier, as colours and numbers."""
    names = list(dict.fromkeys(row.result.cell.features for row in rows))
    there = [name for name in CLASSIFIERS if any(row.result.cell.classifier == name for row in rows)]
    scores = np.full((len(names), len(there)), np.nan)
    for row in rows:
        scores[names.index(row.result.cell.features), there.index(row.result.cell.classifier)] = row.score
    figure, axes = _axes(7.5, 1.6 + 0.3 * len(names))
    image = axes.imshow(scores, cmap="viridis", aspect="auto", vmin=np.nanmin(scores), vmax=np.nanmax(scores))
    middle = (np.nanmin(scores) + np.nanmax(scores)) / 2
    for (row_place, column), score in np.ndenumerate(scores):
        if np.isfinite(score):
            colour = "white" if score < middle else "black"
            axes.text(column, row_place, f"{score:.2f}", ha="center", va="center", fontsize=8.5, color=colour)
    axes.set_xticks(range(len(there)), [TITLES[name] for name in there])
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.set_title(f"Balanced accuracy, {rows[0].judged_on} frames, by {_by(rows[0])}", loc="left", color=_INK, pad=14)
    _frameless(axes)
    figure.colorbar(image, ax=axes, fraction=0.04, pad=0.03)
    return figure


def confusion_by_source(row: Row, dataset: Dataset) -> Figure:
    """What was said of the frames of each source and technique: green where right, red where wrong."""
    kept = dataset.origins[row.result.rows] == row.judged_on
    part, said = dataset.take(row.result.rows[kept]), row.result.probabilities[kept].argmax(axis=1)
    lines = sorted(set(zip(part.labels.tolist(), part.groups.tolist(), strict=True)))
    counts = np.array(
        [
            np.bincount(said[(part.labels == label) & (part.groups == group)], minlength=len(TECHNIQUES))
            for label, group in lines
        ]
    )
    figure, axes = _axes(9.5, 1.8 + 0.3 * len(lines))
    right = np.array([label for label, _ in lines])[:, None] == np.arange(len(TECHNIQUES))
    shares = (counts / counts.sum(axis=1, keepdims=True))[..., None]
    full = np.where(right[..., None], _RIGHT, _WRONG)
    axes.imshow(np.where(right[..., None], 0.94, 0.985) * (1 - shares) + full * shares, aspect="auto")
    for (line, column), count in np.ndenumerate(counts):
        if count:
            axes.text(column, line, str(count), ha="center", va="center", fontsize=10, color=_INK)
    axes.set_xticks(range(len(TECHNIQUES)), [f"said {name}" for name in TECHNIQUES])
    axes.set_yticks(range(len(lines)), [f"{_short(group)}   {TECHNIQUES[label]}" for label, group in lines])
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.set_title(
        f"{row.result.cell}: frames of each {_by(row)}, {row.judged_on}, out of fold", loc="left", color=_INK, pad=14
    )
    _frameless(axes)
    return figure


def reliability_of(row: Row, dataset: Dataset) -> Figure:
    """How often answers are right, by how sure they are; every group weighs the same, large dots are many."""
    figure, (above, below) = _pair()
    above.plot([0, 1], [0, 1], color=_FAINT, linewidth=1, linestyle="--", label="as sure as right")
    for origin, colour, shift in ((SIMULATED, "#9aa1ab", 0.2), (MEASURED, "#0072b2", -0.2)):
        kept = dataset.origins[row.result.rows] == origin
        if not kept.any():
            continue
        part, p = dataset.take(row.result.rows[kept]), row.result.probabilities[kept].astype(np.float64)
        group = np.unique(part.groups, return_inverse=True)[1]
        weight = 1.0 / np.bincount(group)[group]
        shares, sureness, hits = reliability(p, p.argmax(axis=1) == part.labels, weight)
        full = shares > 0
        error = np.abs(hits - sureness).sum() / shares.sum()
        label = f"{origin}: {len(p)} frames, calibration error {error:.2f}"
        x, y = sureness[full] / shares[full], hits[full] / shares[full]
        above.plot(x, y, "-", color=colour, linewidth=1, alpha=0.6)
        above.scatter(x, y, s=12 + 500 * shares[full] / shares.sum(), color=colour, alpha=0.8, linewidths=0)
        above.plot([], [], "o", color=colour, label=label)
        places = (np.arange(BINS) + 0.5 + shift) / BINS
        below.bar(places, shares / shares.sum(), width=0.36 / BINS, color=colour)
    above.set_ylabel("share that is right")
    above.set_xlim(0.2, 1.0)
    above.set_ylim(0, 1.03)
    above.legend(frameon=False, loc="lower right", fontsize=9)
    above.set_title(f"{row.result.cell}: is it right as often as it is sure?", loc="left", color=_INK)
    below.set_ylabel("share of frames")
    below.set_xlabel("probability of the most probable technique")
    for axes in (above, below):
        axes.grid(color="#e7e9ec")
        axes.set_axisbelow(True)
    return figure


def _by(row: Row) -> str:
    return "source" if row.judged_on == MEASURED else "detector"


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _pair() -> tuple[Figure, npt.NDArray[Any]]:
    figure = Figure(figsize=(6.4, 6.4))
    both = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 1), "hspace": 0.08})
    for axes in both:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, both


def _frameless(axes: Any) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)


def _short(group: str, length: int = 44) -> str:
    return group if len(group) <= length else f"{group[: length - 1]}…"
