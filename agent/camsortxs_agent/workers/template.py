"""The process that workers are copied from: it imports everything and compiles the loops, once for all of them.

    python -m camsortxs_agent.workers.template FD SETTINGS

It can be forked at any time, for it has one thread (and one of jemalloc's, where pyarrow comes with a library, which
knows of forks), and it never opens a detector's file itself: what a file does to a worker stays there. It ends when its
parent does, and so do the workers.
"""

import fcntl
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import cv2

from camsortxs.features.chain import Chain
from camsortxs.look import look
from camsortxs_agent import log, pixels
from camsortxs_agent.workers.errands import pack_count, pack_looks, unpack_errand
from camsortxs_agent.workers.settings import WorkerSettings


def main(control: socket.socket, settings: WorkerSettings) -> None:
    """Make a worker for each byte that comes over `control`; answer with its number and its end of a line to it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # meant for the agent, which finishes its batch first
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a worker ended
    log.configure(level=settings.log.level, format=settings.log.format)
    cv2.setNumThreads(1)
    chain = Chain(settings.representations)
    with _ending_with(control):
        chain.warm_up()
    control.send(b"!")
    while control.recv(1):
        ours, theirs = socket.socketpair()
        if (child := os.fork()) == 0:
            control.close()
            theirs.close()
            _serve(Connection(ours.detach()), chain, settings)
            os._exit(0)
        socket.send_fds(control, [child.to_bytes(8, "big")], [theirs.fileno()])
        ours.close()
        theirs.close()


@contextmanager
def _ending_with(control: socket.socket) -> Iterator[None]:
    """End at once if the other side does, also in the middle of compiling: its successor wants the processor.

    Nothing comes over `control` before we say that we are ready but its end, of which the system tells by a signal.
    """
    flags = fcntl.fcntl(control, fcntl.F_GETFL)
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(control, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([control], [], [], 0)[0]:  # it was before we asked to be told
        sys.exit()
    yield
    fcntl.fcntl(control, fcntl.F_SETFL, flags)


def _serve(line: Connection, chain: Chain, settings: WorkerSettings) -> None:
    """Look at what comes until nothing can come any more."""
    files = pixels.reader(settings.pixels)
    while True:
        try:
            errand = unpack_errand(line.recv_bytes())
        except EOFError:
            return
        if errand is not None and errand.frames is None:
            answer = pack_count(errand.announced(files))
        else:
            answer = pack_looks(None if errand is None else look([errand.unread(files)], chain))
        line.send_bytes(answer)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), WorkerSettings.model_validate_json(sys.argv[2]))
