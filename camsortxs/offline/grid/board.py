"""The leaderboard: what every cell reached and costs, the best first."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camsortxs.features.catalogue import CATALOGUE
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.evaluate import RESAMPLES
from camsortxs.offline.grid.cell import Result
from camsortxs.offline.grid.figures import MEASURED, METRICS, SIMULATED, Figures, figures

RANKED_BY = "balanced_accuracy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell, its figures by origin, the microseconds that its features take a frame, and how to run it again."""

    result: Result
    figures: dict[str, Figures]
    features_microseconds: float
    command: str

    @property
    def microseconds(self) -> float:
        """What a standardised frame takes: features and classifier."""
        return self.features_microseconds + self.result.served.microseconds

    @property
    def numbers(self) -> int:
        """How many features it looks at."""
        return sum(len(CATALOGUE[name].columns) for name in self.result.cell.representations)

    @property
    def judged_on(self) -> str:
        """The origin that ranks it: measured frames where there are some."""
        return MEASURED if MEASURED in self.figures else SIMULATED

    @property
    def score(self) -> float:
        """The figure that ranks it."""
        return value_of(self, self.judged_on, RANKED_BY)


def value_of(row: Row, origin: str, metric: str) -> float:
    """Return a figure of a row; not a number where it means nothing."""
    value = row.figures.get(origin, {}).get(metric, {}).get("value")
    return float("nan") if value is None else float(value)


def ranked(
    results: Iterable[Result],
    dataset: Dataset,
    *,
    featurization: Mapping[str, float],
    command: str,
    resamples: int = RESAMPLES,
) -> list[Row]:
    """Return the rows, the best first; where two are equally right, the one with the larger AUC.

    `command` runs the grid on the same data; what runs one cell is put after it.
    """
    rows = [
        Row(
            result=result,
            figures=figures(result, dataset, resamples=resamples),
            features_microseconds=featurization[result.cell.features],
            command=f"{command} --only {result.cell}",
        )
        for result in results
    ]
    return sorted(rows, key=lambda row: (-row.score, -value_of(row, row.judged_on, "auc"), str(row.result.cell)))


def front(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that no other beats in both score and time, the quickest first (the Pareto front)."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.microseconds, -row.score)):
        if not best or row.score > best[-1].score:
            best.append(row)
    return best


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write all there is to know of each row, the figures with their intervals."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*(name for name, _ in _columns(rows[0], 0)), *_figure_columns(), "settings", "command"])
        for rank, row in enumerate(rows, start=1):
            settings = [{**fold["settings"], "temperature": fold["temperature"]} for fold in row.result.folds]
            table.writerow(
                [*(value for _, value in _columns(row, rank)), *_figure_cells(row), json.dumps(settings), row.command]
            )


def _columns(row: Row, rank: int) -> list[tuple[str, Any]]:
    served = row.result.served
    return [
        ("rank", rank),
        ("features", row.result.cell.features),
        ("classifier", row.result.cell.classifier),
        ("numbers", row.numbers),
        ("features_microseconds", f"{row.features_microseconds:.1f}"),
        ("classifier_microseconds", f"{served.microseconds:.1f}"),
        ("onnx_bytes", "" if served.bytes is None else served.bytes),
        ("no_onnx_because", served.reason or ""),
        ("fit_seconds", f"{row.result.fit_seconds:.3f}"),
        ("cell_seconds", f"{row.result.seconds:.1f}"),
    ]


def _figure_columns() -> list[str]:
    return [
        f"{origin}_{metric}{part}"
        for origin in (MEASURED, SIMULATED)
        for metric in METRICS
        for part in ("", "_low", "_high")
    ]


def _figure_cells(row: Row) -> list[str]:
    cells = []
    for origin in (MEASURED, SIMULATED):
        for metric in METRICS:
            figure = row.figures.get(origin, {}).get(metric) or {"value": None, "interval": None}
            numbers = [figure["value"], *(figure["interval"] or (None, None))]
            cells += ["" if number is None else f"{number:.4f}" for number in numbers]
    return cells
