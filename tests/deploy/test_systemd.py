import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from camsortxs_agent.service import Exit


@pytest.fixture
def unit(deploy: Path) -> Path:
    return deploy / "systemd" / "camsortxs-agent.service"


def test_it_starts_again_unless_a_person_must_act(unit):
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read(unit)
    service = parsed["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == str(int(Exit.BAD_MODEL))
    assert service["User"] != "root"


def test_systemd_itself_accepts_it(unit, tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd on this machine")
    program = "/opt/camsortxs/.venv/bin/camsortxs-agent"
    text = unit.read_text()
    assert program in text
    copy = tmp_path / unit.name
    copy.write_text(text.replace(program, "/bin/true"))  # it wants the program to be there
    done = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
