"""The agent as its own process: configured by a file and started as a supervisor would start it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from camsortxs_agent.demo.processes import ChildFailed, child, end, free_port, tail, wait_until
from camsortxs_agent.demo.tiled_server import TiledServer

Configuration = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A running agent."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """See that it is alive.

        Raises
        ------
        ChildFailed
            When it is not, with the tail of its log.
        """
        if self.process.poll() is not None:
            raise ChildFailed(f"the agent ended with exit code {self.process.returncode}:\n{tail(self.log)}")

    def stop(self) -> None:
        """Ask it to end, as a supervisor does, and see that it does so in order.

        Raises
        ------
        ChildFailed
            When it was dead already, or ends with another exit code than 0.
        """
        self.check()
        code = end(self.process, patience=20.0)
        if code != 0:
            raise ChildFailed(f"the agent ended with exit code {code} when asked to stop:\n{tail(self.log)}")


def configuration(
    *,
    broker: str,
    topic: str,
    results: str,
    tiled: TiledServer,
    pixels: Path,
    dead_letters: Path,
    model: Path | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the settings of an agent that listens here; the rest are its defaults."""
    return {
        "kafka": {
            "bootstrap_servers": broker,
            "topics": [topic],
            "results_topic": results,
            "dead_letter_topic": f"{results}.dead-letters",
            "group_id": f"camsortxs-{topic}",
            "session_timeout_seconds": 6.0,
        },
        "tiled": {"uri": tiled.uri, "api_key": tiled.api_key},
        "pixels": {"roots": [str(pixels)], "late_file_seconds": 10.0},
        "dead_letters": {"path": str(dead_letters)},
        "model": {"path": str(model)} if model else {},
    }


@contextmanager
def running_agent(settings: Configuration, *, folder: Path, log: Path, timeout: float = 120.0) -> Iterator[Agent]:
    """Run `camsortxs-agent run` for the length of the block, once it says that it is ready.

    Its configuration file, with the key of Tiled in it, goes to `folder`.

    Raises
    ------
    ChildFailed
        When it ends, or is not ready within `timeout` seconds.
    """
    port = free_port()
    path = write_configuration({**settings, "http": {"host": "127.0.0.1", "port": port}}, folder=folder)
    command = [sys.executable, "-m", "camsortxs_agent", "run", "--config", str(path)]
    with child(command, log=log, patience=20.0) as process:
        wait_until(
            lambda: _ready(f"http://127.0.0.1:{port}/readyz"),
            process=process, name="the agent", log=log, timeout=timeout,
        )  # fmt: skip
        yield Agent(process=process, log=log)


def write_configuration(settings: Configuration, *, folder: Path) -> Path:
    """Write the file that `camsortxs-agent run --config` takes, for our eyes only; return its path."""
    path = folder / f"agent-{settings['http']['port']}.toml"
    path.touch(mode=0o600)
    path.write_text(_toml(settings))
    return path


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _toml(settings: Configuration) -> str:
    """Spell numbers, strings and lists of them as TOML, which in that much is JSON."""
    return "\n".join(
        line
        for section, values in settings.items()
        for line in (f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items()))
    )
