"""A few `kill -9` at random moments under load: the short form of `make soak`."""

import pytest

from camsortxs_agent.chaos.count import count
from camsortxs_agent.chaos.kills import kill_many
from camsortxs_agent.chaos.stage import set_stage

KILLS = 5


@pytest.fixture
def stage(broker, tiled_server, tmp_path):
    with set_stage(tmp_path, broker, tiled_server, seed=61, partitions=4, frames=4, session=2.0) as ready:
        yield ready


def test_killed_agents_of_one_group_lose_nothing_and_write_nothing_twice(stage):
    found = kill_many(stage, kills=KILLS, agents=2, seed=61, every=1.5, down=0.5, rate=1.0, patience=90.0)

    assert found.kills == KILLS
    assert found.cost.nothing, found.line()
    assert found.cost.runs > 0
    assert found.exit_codes == [0, 0]
    run = min(stage.load.runs)
    after = count(stage.tiled, {run: stage.load.frames + 1}, raw=stage.raw, results=stage.results)
    assert after.lost == [run], "a frame that is in no record is not seen to be missing"
    after = count(stage.tiled, {run: stage.load.frames - 1}, raw=stage.raw, results=stage.results)
    assert after.twice == [run], "a row too many is not seen"
