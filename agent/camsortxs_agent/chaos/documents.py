"""Very many documents without pixels: what the agent holds of them in the end must be nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from camsortxs_agent.chaos.count import indexed
from camsortxs_agent.chaos.herd import Herd, Member
from camsortxs_agent.chaos.nursery import open_nursery
from camsortxs_agent.chaos.stage import Stage
from camsortxs_agent.demo.processes import ChildFailed

_RECEIVED = "camsortxs_documents_received_total"


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the process held when it had received so many documents. Resident memory in kB."""

    documents: int
    memory: int
    files: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What came of it. `slope` is in kB of resident memory per 100,000 documents, over the second half of them."""

    documents: int
    runs: int
    seconds: float
    slope: float
    held: list[Held]
    missing: int

    @property
    def flat(self) -> bool:
        """Neither files nor threads grew over the second half, and every run was indexed."""
        middle, last = self.held[len(self.held) // 2], self.held[-1]
        return last.files <= middle.files + 2 and last.threads <= middle.threads + 2 and not self.missing


def send_many(
    stage: Stage,
    *,
    documents: int,
    per_run: int = 5000,
    patience: float = 300.0,
    logs: Path | None = None,
    told: Callable[[int], None] = lambda documents: None,
) -> Growth:
    """Send runs of a motor alone through one agent, `documents` documents in all, and weigh it as it goes.

    Raises
    ------
    ChildFailed
        When it ends, or receives nothing for `patience` seconds.
    """
    with open_nursery(log=(logs or stage.folder) / "nursery.log") as nursery:
        herd = Herd.of(nursery, stage.settings, size=1, folder=stage.folder)
        member = herd.members[0]
        member.log = (logs or stage.folder) / "agent.log"
        herd.start(member)
        herd.wait_ready()
        begun = time.monotonic()
        held = [_weigh(member)]
        while (sent := stage.load.sent) < documents:
            stage.load.send_plain(frames=per_run)
            herd.check()
            while (now := _received(member)) < stage.load.sent - 4 * per_run:  # the broker keeps all it gets in memory
                _wait(herd, begun, patience)
            if now - held[-1].documents >= documents / 50:
                held.append(_weigh(member))
            told(sent)
        while len(indexed(stage.tiled, stage.raw)) < len(stage.load.runs) and time.monotonic() - begun < patience * 10:
            herd.check()
            time.sleep(1.0)
        held.append(_weigh(member))
        seconds = time.monotonic() - begun
        herd.stop()
    half = held[len(held) // 2 :]
    slope = np.polyfit([each.documents for each in half], [each.memory for each in half], 1)[0]
    return Growth(
        documents=held[-1].documents,
        runs=len(stage.load.runs),
        seconds=round(seconds, 1),
        slope=round(float(slope) * 100_000, 1),
        held=held,
        missing=len(set(stage.load.runs) - indexed(stage.tiled, stage.raw)),
    )


def _weigh(member: Member) -> Held:
    process = psutil.Process(member.pid)
    return Held(
        documents=_received(member),
        memory=process.memory_info().rss // 1024,
        files=process.num_fds(),
        threads=process.num_threads(),
    )


def _received(member: Member) -> int:
    lines = [line for line in member.metrics().splitlines() if line.startswith(_RECEIVED)]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


def _wait(herd: Herd, begun: float, patience: float) -> None:
    herd.check()
    if time.monotonic() - begun > patience * 10:
        raise ChildFailed("the agent does not get on")
    time.sleep(0.1)
