"""`camsortxs classify`."""


def classify() -> None:
    """Is being written."""
