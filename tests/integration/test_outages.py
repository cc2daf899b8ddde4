"""What the agent needs is away for some seconds: nothing is lost, it says why it waits, and goes on by itself.

The same with minutes is `make soak`.
"""

import pytest

from camsortxs_agent.chaos.herd import Herd
from camsortxs_agent.chaos.nursery import open_nursery
from camsortxs_agent.chaos.outages import endure, full_disk, jumping_clock, late_file, turned
from camsortxs_agent.chaos.stage import open_wires

SECONDS = 3.0
"""Of the ten minutes that an outage may last: a two hundredth."""


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    file = tmp_path_factory.mktemp("clock") / "clock"
    file.write_text("0")
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("outages")


@pytest.fixture(scope="module")
def wires(tiled_server, folder):
    with open_wires(folder, tiled_server, seed=62, session=2.0) as ready:
        yield ready


@pytest.fixture(scope="module")
def herd(folder, clock, wires):
    # Tiled's client repeats a request for 45 s before it says that it failed: here it says so at once.
    impatient = {"TILED_RETRY_ATTEMPTS": "1"}
    with open_nursery(log=folder / "nursery.log", clock=clock, environment=impatient) as nursery:
        ready = Herd.of(nursery, wires.stage.settings, size=1, folder=folder)
        ready.start(ready.members[0])
        ready.wait_ready()
        yield ready
        assert ready.stop() == [0]


@pytest.mark.parametrize(
    ("wire", "mode", "part"),
    [
        ("tiled", "answers 500", "catalogue"),
        ("tiled", "refuses", None),  # a connection that is open already may outlast it
        ("tiled", "hangs", None),  # an answer may take longer than this outage lasts
        ("broker", "refuses", "kafka"),
        ("broker", "hangs", None),
    ],
)
def test_a_server_that_is_away_costs_nothing(wire, mode, part, wires, herd):
    outage = turned(getattr(wires, wire), mode)
    name = f"{wire} {mode}"
    found = endure(wires.stage, herd, outage, name=name, seconds=SECONDS, rate=0.5, patience=90.0, until=part)

    assert found.cost.nothing, found.line()
    assert found.cost.runs > 0
    assert part in (None, *found.said)


def test_a_full_disk_costs_no_dead_letter(wires, herd, folder):
    outage = full_disk(wires.stage)
    found = endure(wires.stage, herd, outage, name="full disk", seconds=SECONDS, rate=0.5, until="sinks")

    assert found.cost.nothing, found.line()
    assert "No space left" in found.said["sinks"]
    assert "bm8gZG9jdW1lbnQ=" in (folder / "dead-letters.jsonl").read_text()


def test_a_file_that_comes_late_costs_nothing(wires, herd):
    found = endure(wires.stage, herd, late_file(wires.stage), name="late file", seconds=SECONDS, rate=0.5)

    assert found.cost.nothing, found.line()


def test_a_wall_clock_that_jumps_costs_nothing(wires, herd, clock):
    for seconds in (3600.0, -3600.0):
        found = endure(wires.stage, herd, jumping_clock(clock, seconds), name="clock", seconds=1.0, rate=0.5)

        assert found.cost.nothing, found.line()
        assert found.noticed is None
