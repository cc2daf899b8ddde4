"""What Tiled's client leaves when the very first request of it fails: sockets, for the garbage collector."""

import gc
import warnings

import pytest

LEAVES_SOCKETS = pytest.mark.filterwarnings("ignore:unclosed .*socket:ResourceWarning")
"""For tests in the middle of which they may be collected."""


def collect_sockets() -> None:
    """Close them now."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
