"""An embedded Tiled server: a real socket, an SQLite catalogue, an API key, everything in one folder."""

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from camsortxs_agent.demo.processes import child, free_port, wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class TiledServer:
    """Where the server listens (without the key), and the key that may do everything."""

    uri: str
    api_key: str


@contextmanager
def embedded_tiled(
    folder: Path,
    *,
    readable: Sequence[Path] = (),
    port: int | None = None,
    log: Path | None = None,
    timeout: float = 60.0,
) -> Iterator[TiledServer]:
    """Run a Tiled server on the loopback interface for the length of the block.

    Its catalogue and data live in `folder`, its log too unless `log` says otherwise. Files in the folders `readable`
    (the detectors') can be registered as external assets. Nothing is created in the catalogue.

    Raises
    ------
    ChildFailed
        When it does not answer within `timeout` seconds; importing alone takes 10-20 s on two busy cores.
    """
    key = secrets.token_hex(16)
    more = {"authentication": {"single_user_api_key": key}, "streaming_cache": {"uri": "memory"}}
    with served_tiled(folder, more, readable=readable, port=port, log=log, timeout=timeout) as uri:
        yield TiledServer(uri=uri, api_key=key)


@contextmanager
def served_tiled(
    folder: Path,
    more: Mapping[str, Any],
    *,
    readable: Sequence[Path] = (),
    port: int | None = None,
    log: Path | None = None,
    timeout: float = 60.0,
) -> Iterator[str]:
    """Do the same with whatever `more` says of who may come in and how; yield the address."""
    folder = folder.resolve()
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    uri = f"http://127.0.0.1:{port}"
    configuration = {
        **more,
        "uvicorn": {"host": "127.0.0.1", "port": port},
        "trees": [
            {
                "path": "/",
                "tree": "catalog",
                "args": {
                    "uri": f"sqlite:///{folder / 'catalog.db'}",
                    "init_if_not_exists": True,
                    # Not DuckDB, Tiled's usual choice: Tiled 0.2.20 shares one connection to it among its threads, and
                    # two who write at a time find rows of the one in the table of the other.
                    "writable_storage": [str(data), f"sqlite:///{folder / 'tables.db'}"],
                    "readable_storage": [str(path.resolve()) for path in readable],
                },
            }
        ],
    }
    # A file instead of options: what stands on a command line, everybody on the machine can read.
    settings = folder / "tiled.yml"
    settings.touch(mode=0o600)
    settings.write_text(yaml.safe_dump(configuration))
    log = log or folder / "tiled.log"
    command = [sys.executable, "-m", "tiled", "serve", "config", str(settings)]
    with child(command, log=log) as process:
        wait_until(lambda: _healthy(uri), process=process, name="Tiled", log=log, timeout=timeout)
        yield uri


def _healthy(uri: str) -> bool:
    try:
        return httpx.get(f"{uri}/healthz", trust_env=False, timeout=2.0).status_code == 200
    except httpx.TransportError:
        return False
