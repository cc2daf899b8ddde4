"""A Dask cluster, on this machine or a site's, and work on it. The only file that imports Dask."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any
from uuid import uuid4

from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker
from distributed.scheduler import KilledWorker

from camsortxs.errors import SourceError

Work = Callable[[Any], Any]
Numbered = tuple[int, Any]

_AHEAD = 4
"""Items a worker that are under way: enough that none waits, few enough that they are not all in memory."""
_PATIENCE = 60
"""Seconds that a cluster may take to have its first worker."""


def spread_on(
    client: Any, work: Work, items: Iterable[Numbered], lost: Callable[[Any, BaseException], Any]
) -> Iterator[tuple[int, Any]]:
    """Do as `camsortxs.offline.spread.spread` says, with a client of the cluster.

    When a worker dies, Dask blames all that it had before it. So what is blamed is tried once more, alone.
    """
    shared = _Shared(work)
    client.register_plugin(shared)
    try:
        blamed: list[Numbered] = []
        for numbered, future in _under_way(client, shared, items):
            if isinstance(future.exception(), KilledWorker):
                blamed.append(numbered)
            else:
                yield numbered[0], future.result()
        for place, item in blamed:
            future = client.submit(_work, shared.name, item, pure=False)
            error = future.exception()
            yield place, lost(item, error) if isinstance(error, KilledWorker) else future.result()
    finally:
        with suppress(OSError, ValueError):  # the cluster may be gone, and with it the plugin
            client.unregister_worker_plugin(shared.name)


class _Shared(WorkerPlugin):  # type: ignore[misc] # Dask has no types
    """Brings the work, which may be large (networks), to each worker once, also to one that comes later."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.name = f"camsortxs-{uuid4()}"


def _work(shared: str, item: Any) -> Any:
    return get_worker().plugins[shared].work(item)


def _under_way(client: Any, shared: _Shared, items: Iterable[Numbered]) -> Iterator[tuple[Numbered, Any]]:
    """Yield each item with its future when that is done; a few are under way for each worker."""
    waiting = iter(items)
    begun: dict[Any, Numbered] = {}
    futures = as_completed(loop=client.loop)

    def begin(some: int) -> None:
        for numbered in islice(waiting, some):
            future = client.submit(_work, shared.name, numbered[1], pure=False)
            begun[future] = numbered
            futures.add(future)

    begin(_AHEAD * max(1, len(client.nthreads())))
    for future in futures:
        yield begun.pop(future), future
        begin(1)


@contextmanager
def clients(processes: int, scheduler: str | None) -> Iterator[Any]:
    """Connect to the scheduler, or to a cluster of so many processes on this machine that ends with the block.

    Raises
    ------
    SourceError
        When the scheduler cannot be reached, or has no workers.
    """
    if scheduler is None:
        with local_cluster(processes) as cluster, Client(cluster, set_as_default=False) as client:
            yield client
        return
    try:
        client = Client(scheduler, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SourceError(f"no Dask scheduler at {scheduler}: {error}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise SourceError(f"the Dask scheduler at {scheduler} has no workers: start some") from error
        yield client


def local_cluster(processes: int) -> Any:
    """Return a Dask cluster of single-threaded processes on this machine, which nobody else can reach."""
    return LocalCluster(
        n_workers=processes,
        threads_per_worker=1,
        host="127.0.0.1",
        # Any free port of loopback: None would be 8787 of all interfaces.
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
    )
