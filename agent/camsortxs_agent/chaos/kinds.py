"""Every outage that `make soak` knows, by name."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from camsortxs_agent.chaos.herd import Herd
from camsortxs_agent.chaos.nursery import open_nursery
from camsortxs_agent.chaos.outages import Outage, endure, full_disk, jumping_clock, late_file, turned
from camsortxs_agent.chaos.stage import Wires, open_wires
from camsortxs_agent.demo.tiled_server import TiledServer

LATE_SECONDS = 30.0

KINDS: Mapping[str, Callable[[Wires, Path], AbstractContextManager[None]]] = {
    "Tiled answers 500": lambda wires, clock: turned(wires.tiled, "answers 500"),
    "Tiled hangs": lambda wires, clock: turned(wires.tiled, "hangs"),
    "Tiled is gone": lambda wires, clock: turned(wires.tiled, "refuses"),
    "broker hangs": lambda wires, clock: turned(wires.broker, "hangs"),
    "broker is gone": lambda wires, clock: turned(wires.broker, "refuses"),
    "disk of dead letters full": lambda wires, clock: full_disk(wires.stage),
    "file late": lambda wires, clock: late_file(wires.stage),
    "clock an hour fast": lambda wires, clock: jumping_clock(clock, 3600.0),
    "clock an hour slow": lambda wires, clock: jumping_clock(clock, -3600.0),
}


def endure_all(
    names: Sequence[str], tiled: TiledServer, *, seconds: float, rate: float, seed: int, folder: Path, logs: Path
) -> list[Outage | Exception]:
    """Let these outages happen all at the same time, each to an agent and a broker of its own; Tiled is shared.

    A late file is late by `LATE_SECONDS` at most. What went wrong stands in the place of what was found.
    """

    def one(number: int) -> Outage:
        name = names[number]
        own, log = folder / str(number), logs / name.replace(" ", "-")
        own.mkdir()
        log.mkdir(parents=True, exist_ok=True)
        clock = own / "clock"
        clock.write_text("0")
        with (
            open_wires(own, tiled, seed=seed + number, logs=log) as wires,
            open_nursery(log=log / "nursery.log", clock=clock) as nursery,
        ):
            herd = Herd.of(nursery, wires.stage.settings, size=1, folder=own)
            herd.members[0].log = log / "agent.log"
            herd.start(herd.members[0])
            herd.wait_ready(timeout=180.0)
            length = min(seconds, LATE_SECONDS) if name == "file late" else seconds
            time.sleep(seconds / 100 * number)  # they shall not all begin and end at once
            found = endure(wires.stage, herd, KINDS[name](wires, clock), name=name, seconds=length, rate=rate)
            herd.stop()
            return found

    with ThreadPoolExecutor(len(names)) as pool:
        running = [pool.submit(one, number) for number in range(len(names))]
        return [_result(each) for each in running]


def _result(done: Future[Outage]) -> Outage | Exception:
    error = done.exception()
    return error if isinstance(error, Exception) else done.result()
