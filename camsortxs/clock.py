"""How long the stages of the line take."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter


class Clock:
    """Seconds by stage; where several workers are in one stage, each one's seconds count."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what happens within to a stage."""
        start = perf_counter()
        yield
        self.add({name: perf_counter() - start})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of another clock."""
        for name, more in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + more
