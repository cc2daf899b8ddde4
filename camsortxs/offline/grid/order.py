"""Which cell comes next: what tells most for its time first, and nothing that would not be done in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from camsortxs.features.catalogue import CATALOGUE
from camsortxs.offline.grid.plan import UNIONS, Cell

_FIRST = "et"
_GUESSED = {"et": 20.0, "lightgbm": 15.0, "xgboost": 13.0, "catboost": 18.0, "rf": 30.0}
_USUAL = 64  # features, after which the time of a cell grows with them


@dataclass(slots=True)
class Costs:
    """Seconds that cells take: guessed at first, then learnt, by classifier, from those that are done."""

    _seen: dict[str, list[float]] = field(default_factory=dict)

    def learn(self, cell: Cell, seconds: float) -> None:
        """Note what a cell took."""
        self._seen.setdefault(cell.classifier, []).append(seconds / _size(cell))

    def expected(self, cell: Cell) -> float:
        """Return the seconds that a cell is likely to take."""
        if cell.classifier in self._seen:
            return median(self._seen[cell.classifier]) * _size(cell)
        known = [median(took) / _GUESSED[name] for name, took in self._seen.items()]
        return _GUESSED[cell.classifier] * _size(cell) * (median(known) if known else 1.0)


def next_cell(waiting: Sequence[Cell], costs: Costs, seconds_left: float | None) -> Cell | None:
    """Return which of `waiting` to run next, None where none fits into `seconds_left` (None: there is time for all).

    First every representation with Extra Trees, which tells what a representation is worth; then what is cheapest.
    """
    fitting = [cell for cell in waiting if seconds_left is None or costs.expected(cell) <= seconds_left]
    if not fitting:
        return None
    return min(fitting, key=lambda cell: (not _informative(cell), costs.expected(cell), str(cell)))


def _informative(cell: Cell) -> bool:
    return cell.classifier == _FIRST and cell.features not in UNIONS


def _size(cell: Cell) -> float:
    """Return how much longer it takes than a cell of very few features."""
    return 1 + sum(len(CATALOGUE[name].columns) for name in cell.representations) / _USUAL
