"""`camsortxs evaluate`."""


def evaluate() -> None:
    """Is being written."""
