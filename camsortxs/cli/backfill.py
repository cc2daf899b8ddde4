"""`camsortxs backfill`."""


def backfill() -> None:
    """Is being written."""
