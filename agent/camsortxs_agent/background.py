"""Work that must not hold back the line: in threads of the lowest priority, its failures as values."""

import os
import threading
from contextlib import suppress

_NICE = 10


def yield_to_the_line() -> None:
    """Lower the priority of this thread, where threads have one of their own."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
