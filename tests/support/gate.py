"""A broker behind a gate: the gate takes TLS off, asks for a name and a password, and lets the rest through.

The embedded broker knows neither (Tansu 0.6 authenticates users that it cannot be told of while it asks for them).
"""

import asyncio
import ssl
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.processes import free_port

_HANDSHAKE, _VERSIONS, _AUTHENTICATE = 17, 18, 36
_UNSUPPORTED_MECHANISM, _REFUSED = 33, 58


@contextmanager
def guarded_broker(*, tls: ssl.SSLContext | None = None, users: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a broker that is reached through a gate alone; yield the address of the gate."""
    behind = free_port()
    with Gate(behind, tls=tls, users=users) as port, embedded_broker(behind, advertised=port):
        yield f"127.0.0.1:{port}"


class Gate:
    """Listens at a loopback port, with TLS if it is given a context, and passes on to the port `target`.

    With `users` it asks for a name and a password as Kafka does (SASL, mechanism PLAIN), before anything but the
    versions that the broker speaks is passed on.
    """

    def __init__(self, target: int, *, tls: ssl.SSLContext | None, users: Mapping[str, str] | None) -> None:
        self._target = target
        self._tls = tls
        self._users = users
        self._port: Future[int] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._listen()), name="gate")

    def __enter__(self) -> int:
        self._thread.start()
        return self._port.result(10.0)

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    async def _listen(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self._port.set_result(server.sockets[0].getsockname()[1])
        await self._leave.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near = _End(reader, writer)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            far = _End(*await asyncio.open_connection("127.0.0.1", self._target))
            try:
                if self._users is None or await _admitted(self._users, near, far):
                    pumps = [asyncio.ensure_future(p) for p in (_pump(near, far), _pump(far, near))]
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                far.writer.close()
        writer.close()


@dataclass(frozen=True)
class _End:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def frame(self) -> bytes:
        """Receive a request or an answer, of which the first four bytes tell the size."""
        return await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(4), "big"))

    async def send(self, *parts: bytes) -> None:
        """Send a request or an answer."""
        self.writer.write(struct.pack(">i", sum(map(len, parts))) + b"".join(parts))
        await self.writer.drain()


async def _admitted(users: Mapping[str, str], near: _End, far: _End) -> bool:
    """Speak with a client until it has said who it is; say whether it is let through."""
    while True:
        request = await near.frame()
        key, version, correlation, named = struct.unpack(">hh4sh", request[:10])
        body = request[10 + max(0, named) :]
        if key == _VERSIONS:
            await far.send(request)
            await near.send(await far.frame())
        elif key == _HANDSHAKE:
            error = 0 if body[2:] == b"PLAIN" else _UNSUPPORTED_MECHANISM
            await near.send(correlation, struct.pack(">hih5s", error, 1, 5, b"PLAIN"))
        elif key == _AUTHENTICATE and version < 2:
            _, name, password = body[4:].decode().split("\0")
            good = users.get(name) == password
            error, why = (0, b"") if good else (_REFUSED, b"no such user, or another password")
            await near.send(correlation, struct.pack(">hh", error, len(why)), why, bytes(4), bytes(8) * version)
            if good:
                return True
        else:
            return False


async def _pump(one: _End, other: _End) -> None:
    with suppress(OSError):
        while data := await one.reader.read(65536):
            other.writer.write(data)
            await other.writer.drain()
