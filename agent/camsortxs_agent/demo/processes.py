"""Child processes that never outlive us."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class ChildFailed(RuntimeError):
    """A child process died, or did not answer in time; the message ends with the tail of its log."""


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log file, or nothing where there is none."""
    with suppress(FileNotFoundError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return ""


@contextmanager
def child(command: Sequence[str], *, log: Path, patience: float = 10.0) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` for the length of the block, its output in `log`; then end it and whatever it started.

    It lives in a session of its own: Ctrl-C reaches only us, and we end the children in order. They get SIGTERM, and
    SIGKILL after `patience` seconds.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are our own
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process, patience=patience)


def end(process: subprocess.Popen[bytes], *, patience: float = 10.0) -> int:
    """End a process that `child` started: politely, then for good, with its children. Return its exit code."""
    with suppress(ProcessLookupError):
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    # The group is gone when the process and its children are; a group id is not reused while a member lives.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wait_until(
    ready: Callable[[], bool], *, process: subprocess.Popen[bytes], name: str, log: Path, timeout: float
) -> None:
    """Return once `ready()`.

    Raises
    ------
    ChildFailed
        When the process has died or `timeout` seconds are over.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None:
            raise ChildFailed(f"{name} ended with exit code {process.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ChildFailed(f"{name} did not answer within {timeout:.0f} s:\n{tail(log)}")
        time.sleep(0.05)
