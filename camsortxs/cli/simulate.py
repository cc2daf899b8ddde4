"""`camsortxs simulate`."""


def simulate() -> None:
    """Is being written."""
