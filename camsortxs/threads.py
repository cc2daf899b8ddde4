"""Threads that each keep to their core."""

from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits


def workers(count: int, *, name: str) -> ThreadPoolExecutor:
    """Return `count` threads without more of BLAS below them, which spin while they wait: as costly as the work."""
    return ThreadPoolExecutor(max_workers=count, thread_name_prefix=name, initializer=_alone)


def _alone() -> None:
    threadpool_limits(limits=1, user_api="blas")
