"""What Tiled's client leaves lying about."""

import gc
import warnings


def collect_sockets() -> None:
    """Close the sockets that are left to the garbage collector when the very first request of a client fails."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
