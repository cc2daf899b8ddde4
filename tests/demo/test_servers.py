import sys
import time

import httpx
import pytest

from camsortxs_agent.demo.broker import answers, embedded_broker
from camsortxs_agent.demo.processes import ChildFailed, child, free_port, tail, wait_until


def test_the_broker_answers_while_the_block_lasts_and_not_after():
    port = free_port()
    with embedded_broker(port) as address:
        assert address == f"127.0.0.1:{port}"
        assert answers(port)
    assert not answers(port)


def test_an_http_server_is_not_a_broker(tiled_server):
    assert not answers(httpx.URL(tiled_server.uri).port)


def test_tiled_wants_its_key(tiled_server):
    url = f"{tiled_server.uri}/api/v1/metadata/"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": f"Apikey {tiled_server.api_key}"}).status_code == 200


def test_a_child_takes_its_own_children_along(tmp_path):
    log = tmp_path / "log"
    script = (
        "import subprocess, sys, time\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(grandchild.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with child([sys.executable, "-c", script], log=log) as process:
        wait_until(lambda: tail(log).isdigit(), process=process, name="child", log=log, timeout=30)
        grandchild = int(tail(log))
    assert process.returncode is not None
    assert _ends(grandchild)


def test_a_child_that_dies_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / "log"
    with (
        child([sys.executable, "-c", "raise SystemExit('out of luck')"], log=log) as process,
        pytest.raises(ChildFailed, match=r"the child ended with exit code 1:\nout of luck"),
    ):
        wait_until(lambda: False, process=process, name="the child", log=log, timeout=30)


def test_a_child_that_never_answers_is_given_up(tmp_path):
    log = tmp_path / "log"
    with (
        child([sys.executable, "-c", "import time; time.sleep(600)"], log=log) as process,
        pytest.raises(ChildFailed, match="did not answer within 0 s"),
    ):
        wait_until(lambda: False, process=process, name="the child", log=log, timeout=0.1)
    assert process.returncode is not None


def _ends(pid: int) -> bool:
    """Whether the process is gone or dead soon (who reaps it is init's affair); a signal takes its time."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False
