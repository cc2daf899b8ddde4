"""A wall clock that jumps: what `time.time` says is shifted by what a file says. The monotonic clock goes on."""

import time
from collections.abc import Callable
from pathlib import Path


def follow(file: Path) -> None:
    """Shift this process's wall clock, from now on, by the seconds in `file`.

    Must come before whoever imports `time` from the module `time` is imported.
    """
    time.time = shifted(time.time, file)


def shifted(clock: Callable[[], float], file: Path) -> Callable[[], float]:
    """Return a clock that is wrong by the seconds in `file`, which is read anew whenever it is asked."""

    def wrong() -> float:
        return clock() + float(file.read_text() or 0)

    return wrong
