"""Work on one core, on many, or on many machines: the results are the same."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    work: Callable[[Item], Result],
    items: Iterable[tuple[int, Item]],
    *,
    lost: Callable[[Item, BaseException], Result],
    processes: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield the place and the result of each item (place, item), in whatever order they come.

    One process works right here. More are a Dask cluster of single-threaded processes on this machine; `scheduler`
    (tcp://host:port, or tls://) is the address of another. Items are taken as there is room for them. `lost` says what
    stands for an item that kills the processes that work on it; what `work` raises stops everything.

    Raises
    ------
    SourceError
        When the scheduler cannot be reached, or has no workers.

    >>> list(spread(abs, [(0, -1), (1, -2)], lost=lambda item, error: 0))
    [(0, 1), (1, 2)]
    """
    if scheduler is None and processes == 1:
        for place, item in items:
            yield place, work(item)
        return
    from camsortxs.offline.cluster import clients, spread_on  # here, for one process does without Dask

    with clients(processes, scheduler) as client:
        yield from spread_on(client, work, items, lost)
