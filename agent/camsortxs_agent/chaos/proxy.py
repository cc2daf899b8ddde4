"""A wire that can be cut: a TCP proxy on loopback that passes, refuses, hangs, or answers 500."""

import socket
from contextlib import suppress
from threading import Condition, Thread
from typing import Literal, Self

Mode = Literal["passes", "refuses", "hangs", "answers 500"]
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Listens at a loopback `port` and passes on to the port `target`, until it is told otherwise.

    `refuses`: nobody listens, and connections that are open are cut. `hangs`: connections are taken, those that are
    open stay so, and nothing goes through. `answers 500`: each new connection gets that one answer, open ones are cut.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._mode: Mode = "passes"
        self._changed = Condition()
        self._open: set[socket.socket] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cut everything."""
        self.turn("refuses")

    def turn(self, mode: Mode) -> None:
        """Behave like this from now on."""
        with self._changed:
            before, self._mode = self._mode, mode
            self._changed.notify_all()
            if mode in ("refuses", "answers 500"):
                self._cut()
        if mode == "refuses":
            # Wakes the thread that waits for a connection; close() alone would not.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        elif before == "refuses":
            self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        Thread(target=self._accept, args=(listener,), daemon=True, name="proxy").start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: we refuse from now on
                return
            Thread(target=self._serve, args=(connection,), daemon=True, name="proxied").start()

    def _serve(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            if self._mode == "answers 500":
                near.recv(65536)
                near.sendall(_ERROR)
                return
            self._wait_while_hanging()
            with socket.create_connection(("127.0.0.1", self._target), timeout=10.0) as far:
                far.settimeout(None)
                with self._changed:
                    if self._mode != "passes":
                        return
                    self._open |= {near, far}
                back = Thread(target=self._pump, args=(far, near), daemon=True, name="proxied")
                back.start()
                self._pump(near, far)
                back.join()
                with self._changed:
                    self._open -= {near, far}

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self._wait_while_hanging()
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _wait_while_hanging(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._mode != "hangs")

    def _cut(self) -> None:
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()
