"""The parent's hold on the process that workers are copied from (`camsortxs_agent.workers.template`)."""

import os
import signal
import socket
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from subprocess import DEVNULL, Popen
from threading import Lock
from weakref import finalize

import structlog

from camsortxs_agent.workers.settings import WorkerSettings

_FORK_SECONDS = 30.0
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """A process, and the line to it; it ends when that is dropped."""

    number: int
    line: Connection

    def ask(self, message: bytes, *, limit: float) -> bytes:
        """Return its answer.

        Raises
        ------
        TimeoutError
            When none has come after `limit` seconds; then the process is no more.
        EOFError, OSError
            When it has died.
        """
        self.line.send_bytes(message)
        if not self.line.poll(limit):
            os.kill(self.number, signal.SIGKILL)
            raise TimeoutError
        return self.line.recv_bytes()


class Foundry:
    """Makes workers once it is `ready`, which takes it as long as compiling takes; its process ends with this object.

    Should that process die, another one takes its place. One that cannot even begin, `failed`, is not tried again.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._start()

    def _start(self) -> None:
        self._ready = self.failed = False
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_FORK_SECONDS)
        module = "camsortxs_agent.workers.template"
        with theirs:
            self._process = Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, str(theirs.fileno()), self._settings.model_dump_json()],
                stdin=DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | _ONE_THREAD,
                start_new_session=True,  # what a terminal tells the agent is not for it
            )
        self._dismiss = finalize(self, _end, self._process, self._control)

    @property
    def ready(self) -> bool:
        """Say whether it can make workers."""
        with self._lock:
            if not (self._ready or self.failed) and wait([self._control], timeout=0):
                self._ready = bool(self._control.recv(1))
                self.failed = not self._ready
                if self._ready:
                    log.info("workers_ready")
                else:
                    log.error(
                        "workers_failed", why="see standard error; frames are looked at by the agent's own threads"
                    )
            return self._ready

    def make(self) -> Worker | None:
        """Return another worker; None when there is none for now, because the process that makes them has died."""
        with self._lock:
            if not self._ready:  # another thread has found out already
                return None
            try:
                self._control.send(b"+")
                number, handles, _, _ = socket.recv_fds(self._control, 8, 1)
            except OSError:
                number, handles = b"", []
            if not handles:
                log.error("workers_lost", why="the process that makes them has died; another one begins")
                self._dismiss()
                self._start()
                return None
        return Worker(int.from_bytes(number, "big"), Connection(handles[0]))


def _end(process: "Popen[bytes]", control: socket.socket) -> None:
    control.close()
    process.kill()
    process.wait()
