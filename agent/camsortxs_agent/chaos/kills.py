"""`kill -9`, again and again, at random moments under load."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from camsortxs_agent.chaos.count import Cost, count, indexed
from camsortxs_agent.chaos.herd import Herd, Member
from camsortxs_agent.chaos.nursery import open_nursery
from camsortxs_agent.chaos.stage import Stage
from camsortxs_agent.demo.processes import ChildFailed


@dataclass(frozen=True, kw_only=True)
class Kills:
    """What many kills cost; `recovery` is how many seconds passed from the last document to the last index."""

    kills: int
    agents: int
    cost: Cost
    seconds: float
    recovery: float
    exit_codes: list[int]

    def line(self) -> dict[str, object]:
        """Return it for a JSON line."""
        return {**asdict(self), "nothing_lost_nothing_twice": self.cost.nothing}


def kill_many(
    stage: Stage,
    *,
    kills: int,
    agents: int,
    seed: int,
    every: float = 4.0,
    down: float = 1.0,
    rate: float = 0.5,
    patience: float = 180.0,
    logs: Path | None = None,
    told: Callable[[int, int], None] = lambda kills, runs: None,
) -> Kills:
    """Kill a random one of `agents` agents every so many seconds (on average), `kills` times, under load.

    A killed agent is started again after `down` seconds on average; `rate` runs begin a second. `told` hears after each
    kill how many there were and how many runs have begun.

    Raises
    ------
    ChildFailed
        When an agent ends that nobody killed, or runs are without an index `patience` seconds after the last document.
    """
    rng = np.random.default_rng(seed)
    begun = time.monotonic()
    with open_nursery(log=(logs or stage.folder) / "nursery.log") as nursery:
        herd = Herd.of(nursery, stage.settings, size=agents, folder=stage.folder)
        for number, member in enumerate(herd.members):
            member.log = (logs or stage.folder) / f"agent-{number}.log"
            herd.start(member)
        herd.wait_ready()
        _kill(stage, herd, rng, kills=kills, every=every, down=down, rate=rate, told=told)
        stage.load.finish()
        recovery = _wait_tagged(stage, herd, patience)
        codes = herd.stop()
    cost = count(stage.tiled, stage.load.runs, raw=stage.raw, results=stage.results)
    return Kills(
        kills=herd.kills, agents=agents, cost=cost, seconds=round(time.monotonic() - begun, 1),
        recovery=round(recovery, 1), exit_codes=codes,
    )  # fmt: skip


def _kill(
    stage: Stage,
    herd: Herd,
    rng: np.random.Generator,
    *,
    kills: int,
    every: float,
    down: float,
    rate: float,
    told: Callable[[int, int], None],
) -> None:
    now = time.monotonic()
    next_run, next_kill = now, now + rng.exponential(every)
    back: dict[float, Member] = {}
    while herd.kills < kills or back:
        due = min([next_run, next_kill, *back])
        stage.load.go_on(seconds=max(0.0, due - time.monotonic()))
        if due == next_run:
            stage.load.begin()
            next_run += rng.exponential(1.0 / rate)
        elif due == next_kill:
            next_kill += rng.exponential(every)
            alive = [member for member in herd.members if member.pid is not None]
            if not alive or herd.kills >= kills:
                continue
            herd.check()
            member = alive[rng.integers(len(alive))]
            herd.kill(member)
            back[time.monotonic() + rng.exponential(down)] = member
            told(herd.kills, len(stage.load.runs))
        else:
            herd.start(back.pop(due))


def _wait_tagged(stage: Stage, herd: Herd, patience: float) -> float:
    begun = time.monotonic()
    while missing := set(stage.load.runs) - indexed(stage.tiled, stage.raw):
        herd.check()
        if time.monotonic() - begun > patience:
            raise ChildFailed(f"{len(missing)} runs have no index after {patience:.0f} s: {sorted(missing)[:5]}")
        time.sleep(0.5)
    return time.monotonic() - begun
