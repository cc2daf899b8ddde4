import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from camsortxs_agent.demo.agent import running_agent
from camsortxs_agent.demo.processes import ChildFailed

DEMO = [sys.executable, "-m", "camsortxs_agent.demo", "--runs", "1", "--per-run", "2"]


def test_the_demo_passes_and_ends_with_its_summary(tmp_path):
    done = subprocess.run([*DEMO, "--out", str(tmp_path)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["runs"] == summary["tagged"] == 7  # four techniques, a dark run, two of the archive
    assert summary["duplicates"] == 0
    assert summary["rejected"] == 0
    assert summary["frames"] == 14
    assert summary["correct"] > 0
    assert summary["frames_per_second"] > 0
    assert 0 < summary["latency_ms_p50"] <= summary["latency_ms_p99"]
    assert summary["tiled"].startswith("http://127.0.0.1:")
    assert Path(summary["contact_sheet"]).read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_leaves_no_process_behind(tmp_path):
    progress = tmp_path / "progress"
    with progress.open("w") as stderr:
        demo = subprocess.Popen([*DEMO, "--out", str(tmp_path)], stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        children: set[int] = set()
        deadline = time.monotonic() + 300
        while "Tiled server at" not in progress.read_text():
            assert demo.poll() is None, progress.read_text()
            assert time.monotonic() < deadline, progress.read_text()
            time.sleep(0.1)
        children = _children(demo.pid)
        assert len(children) >= 2  # broker and Tiled; the agent is being started
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130, progress.read_text()
    finally:
        demo.kill()
        demo.wait()
    left = [pid for pid in children if _alive(pid)]
    assert not left


def test_an_agent_that_dies_shows_its_log(tmp_path):
    settings = {"kafka": {"no_such_setting": 1}}
    with (
        pytest.raises(ChildFailed, match=r"(?s)the agent ended with exit code [1-9].*no_such_setting"),
        running_agent(settings, folder=tmp_path, log=tmp_path / "log"),
    ):
        pass


def _children(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
