"""How parameters are drawn."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def generator(seed: int, kind: str, index: int) -> np.random.Generator:
    """Return the random numbers of one frame: they depend on nothing but its dataset, its kind and its place.

    >>> generator(1, "SAXS", 0).integers(1000) == generator(1, "SAXS", 0).integers(1000)
    True
    """
    return np.random.default_rng(list(sha256(f"{seed}/{kind}/{index}".encode()).digest()))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw with equal chance in each octave."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def choose(rng: np.random.Generator, items: Sequence[tuple[Item, float]]) -> Item:
    """Draw one of (item, weight)."""
    weights = np.array([weight for _, weight in items])
    return items[int(rng.choice(len(items), p=weights / weights.sum()))][0]
