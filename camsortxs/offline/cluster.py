"""Work on many cores or machines: in this process, on a local Dask cluster, or on a site's."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from camsortxs.errors import SourceError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4
"""Items a worker that are under way: enough that none waits, few enough that they are not all in memory."""


def spread(
    work: Callable[[Item], Result],
    items: Iterable[tuple[int, Item]],
    *,
    lost: Callable[[Item, BaseException], Result],
    processes: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield the place and the result of each item (place, item), in whatever order they come.

    One process works right here. More are a cluster of single-threaded workers on this machine; `scheduler`
    (tcp://host:port, or tls://) is the address of another. Items are taken as there is room for them. `lost` says what
    stands for an item that killed its workers; what `work` raises stops everything.

    Raises
    ------
    SourceError
        When the scheduler cannot be reached.
    """
    if scheduler is None and processes == 1:
        for place, item in items:
            yield place, work(item)
        return
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    with _client(processes, scheduler) as client:
        shared = client.scatter(work, broadcast=True, hash=False)
        waiting = iter(items)
        under_way: dict[Any, tuple[int, Item]] = {}
        futures = as_completed(loop=client.loop)

        def begin(some: Iterable[tuple[int, Item]]) -> None:
            for place, item in some:
                future = client.submit(_work, shared, item, pure=False)
                under_way[future] = place, item
                futures.add(future)

        begin(islice(waiting, _AHEAD * max(1, len(client.nthreads()))))
        for future in futures:
            place, item = under_way.pop(future)
            error = future.exception()
            if isinstance(error, KilledWorker):
                result = lost(item, error)
            else:
                result = future.result()
            begin(islice(waiting, 1))
            yield place, result


def _work(work: Callable[[Item], Result], item: Item) -> Result:
    return work(item)


@contextmanager
def _client(processes: int, scheduler: str | None) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SourceError(f"no Dask scheduler at {scheduler}: {error}") from error
        with client:
            if not client.nthreads():
                raise SourceError(f"the Dask scheduler at {scheduler} has no workers: start some (`dask worker`)")
            yield client
        return
    with (
        LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
