"""`camsortxs train`."""


def train() -> None:
    """Is being written."""
