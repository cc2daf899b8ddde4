"""How a comparison is timed: both sides in turn, in one run, medians; the ratio is the median of the rounds' ratios."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

COMMAND = "make bench"
Work = Callable[[], Any]


def measure(
    name: str, ours: Work, peer: str, other: Work, *, rounds: int = 15, agreement: Any = None
) -> dict[str, Any]:
    """Time the two in turn; the ratio says how many times faster ours is."""
    for work in (ours, other):
        work()
    times = [(timed(ours), timed(other)) for _ in range(rounds)]
    return row(name, [a for a, _ in times], peer, [b for _, b in times], agreement)


def row(name: str, ours: list[float], peer: str, others: list[float], agreement: Any = None) -> dict[str, Any]:
    """Say what two series of times (ms), taken in turn, come to."""
    return {
        "name": name,
        "ours_ms": round(median(ours), 3),
        "peer": peer,
        "peer_ms": round(median(others), 3),
        "ratio": round(median(b / a for a, b in zip(ours, others, strict=True)), 3),
        "agreement": agreement,
        "command": COMMAND,
    }


def timed(work: Work) -> float:
    """Return how long it takes, in milliseconds."""
    start = perf_counter()
    work()
    return 1000 * (perf_counter() - start)
