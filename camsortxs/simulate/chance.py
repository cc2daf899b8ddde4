"""The random numbers of one frame. Whatever is drawn is written down under its name."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Value = float | str | bool | tuple[float, ...]
Item = TypeVar("Item", bound=float | str)


class Chance:
    """Draws by name, so that a frame can carry every parameter that made it.

    They depend on nothing but the dataset's `seed`, the kind of frame and its place `index`. `rng` is for noise and
    whatever else is too much to write down.

    >>> Chance(1, "SAXS", 0).uniform("radius", 10, 20) == Chance(1, "SAXS", 0).uniform("radius", 10, 20)
    True
    """

    def __init__(self, seed: int, kind: str, index: int) -> None:
        self.rng = np.random.default_rng(list(sha256(f"{seed}/{kind}/{index}".encode()).digest()))
        self.drawn: dict[str, Value] = {}
        self._prefix = ""

    def of(self, part: str) -> "Chance":
        """Return the same chance, its names beginning with `part`."""
        other = object.__new__(Chance)
        other.rng, other.drawn, other._prefix = self.rng, self.drawn, f"{self._prefix}{part}."
        return other

    def uniform(self, name: str, low: float, high: float) -> float:
        """Draw with equal chance everywhere."""
        return self.keep(name, float(self.rng.uniform(low, high)))

    def log_uniform(self, name: str, low: float, high: float) -> float:
        """Draw with equal chance in each octave."""
        return self.keep(name, float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def normal(self, name: str, mean: float, sigma: float) -> float:
        """Draw around `mean`."""
        return self.keep(name, float(self.rng.normal(mean, sigma)))

    def whole(self, name: str, low: int, high: int) -> int:
        """Draw a whole number, `low` to `high`, both possible."""
        return self.keep(name, int(self.rng.integers(low, high + 1)))

    def happens(self, name: str, probability: float) -> bool:
        """Draw yes or no."""
        return self.keep(name, bool(self.rng.random() < probability))

    def choose(self, name: str, weights: Mapping[Item, float]) -> Item:
        """Draw one of the keys, with the odds of their values."""
        odds = np.fromiter(weights.values(), dtype=np.float64)
        return self.keep(name, list(weights)[int(self.rng.choice(len(odds), p=odds / odds.sum()))])

    def several(self, name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Write down values that were drawn together."""
        found = np.asarray(values, dtype=np.float64)
        self.keep(name, tuple(round(float(value), 6) for value in found.ravel()))
        return found

    def back_to(self, then: Mapping[str, Value]) -> None:
        """Strike what was written down since `drawn` was `then`: those draws were thrown away."""
        self.drawn.clear()
        self.drawn.update(then)

    def keep(self, name: str, value: "Kept") -> "Kept":
        """Write a value down that was not drawn, or not here."""
        self.drawn[self._prefix + name] = value
        return value


Kept = TypeVar("Kept", bound=Value)
