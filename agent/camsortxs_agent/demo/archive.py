"""The back-fill, run as anybody would run it: `camsortxs backfill` on the catalogue's address."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from camsortxs_agent.demo.processes import ChildFailed, child, tail
from camsortxs_agent.demo.tiled_server import TiledServer


def backfill(
    tiled: TiledServer, *, folder: Path, log: Path, model: Path | None = None, timeout: float = 120.0
) -> list[Mapping[str, Any]]:
    """Back-fill what nobody has tagged; return what the command says of each run.

    The key of Tiled goes to a file in `folder`.

    Raises
    ------
    ChildFailed
        When it fails, or takes longer than `timeout` seconds.
    """
    key = folder / "tiled.key"
    key.touch(mode=0o600)
    key.write_text(tiled.api_key)
    before = log.stat().st_size if log.exists() else 0
    command = [
        sys.executable, "-c", "from camsortxs.cli import app; app()",
        "backfill", tiled.uri, "--api-key-file", str(key), "--format", "json",
        *(("--model", str(model)) if model else ()),
    ]  # fmt: skip
    with child(command, log=log) as process:
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise ChildFailed(f"the back-fill took longer than {timeout:.0f} s:\n{tail(log)}") from error
    if code != 0:
        raise ChildFailed(f"the back-fill ended with exit code {code}:\n{tail(log)}")
    said = log.read_bytes()[before:].decode(errors="replace")
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
