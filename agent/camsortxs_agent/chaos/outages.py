"""Something is away for a while, under load: what the agent says of it, and how soon it is well again."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from camsortxs_agent.chaos.count import Cost, count, indexed
from camsortxs_agent.chaos.herd import Herd
from camsortxs_agent.chaos.load import write_file
from camsortxs_agent.chaos.proxy import Mode, Proxy
from camsortxs_agent.chaos.stage import Stage
from camsortxs_agent.demo.processes import ChildFailed


@dataclass(frozen=True, kw_only=True)
class Outage:
    """What an outage of so many `seconds` cost.

    `noticed` is after how many seconds `/readyz` said no (None: it never did), `said` what it gave as the reason;
    `ready` how many seconds after the end of the outage it said yes again, and `recovered` how many until every run
    that had begun was indexed.
    """

    name: str
    seconds: float
    noticed: float | None
    said: Mapping[str, str]
    ready: float
    recovered: float
    cost: Cost

    def line(self) -> dict[str, object]:
        """Return it for a JSON line."""
        return asdict(self)


def endure(
    stage: Stage,
    herd: Herd,
    outage: AbstractContextManager[None],
    *,
    name: str,
    seconds: float,
    rate: float = 0.5,
    patience: float = 240.0,
    until: str | None = None,
) -> Outage:
    """Begin runs at `rate` a second before, during and after an outage; see what becomes of them.

    It lasts longer where the agents have not said by then that this part (`until`) of them is not well: the first write
    that could fail may come late.

    Raises
    ------
    ChildFailed
        When an agent ends, or is not well again `patience` seconds after the outage.
    """
    _load(stage, seconds=1.0, rate=rate)
    with outage:
        begun = time.monotonic()
        noticed, said = None, dict[str, str]()
        while (passed := time.monotonic() - begun) < seconds or (until not in (None, *said) and passed < patience):
            _load(stage, seconds=min(1.0, max(seconds - passed, 0.5)), rate=rate)
            herd.check()
            for member in herd.members:
                status, problems = member.readyz()
                if status == 0:
                    raise ChildFailed(f"{name}: nobody answers at /readyz")
                if status != httpx.codes.OK:
                    noticed = time.monotonic() - begun if noticed is None else noticed
                    said |= problems
    over = time.monotonic()
    ready: float | None = None
    stage.load.finish()
    missing = set(stage.load.runs)
    while (missing := set(stage.load.runs) - indexed(stage.tiled, stage.raw)) or ready is None:
        herd.check()
        if ready is None and all(member.readyz()[0] == httpx.codes.OK for member in herd.members):
            ready = time.monotonic() - over
        if time.monotonic() - over > patience:
            raise ChildFailed(
                f"{name}: {patience:.0f} s later {len(missing)} runs have no index, readiness is"
                f" {[member.readyz() for member in herd.members]}"
            )
        time.sleep(0.2)
    return Outage(
        name=name,
        seconds=round(over - begun, 1),
        noticed=None if noticed is None else round(noticed, 1),
        said=said,
        ready=round(ready, 1),
        recovered=round(time.monotonic() - over, 1),
        cost=count(stage.tiled, stage.load.runs, raw=stage.raw, results=stage.results),
    )


@contextmanager
def turned(proxy: Proxy, mode: Mode) -> Iterator[None]:
    """Let the wire behave like this for the length of the block."""
    proxy.turn(mode)
    try:
        yield
    finally:
        proxy.turn("passes")


@contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """Let the file of dead letters lie on a full disk for the length of the block, and send what must go there."""
    path = Path(str(stage.settings["dead_letters"]["path"]))
    with suppress(FileNotFoundError):
        path.rename(path.with_suffix(".before"))
    path.symlink_to("/dev/full")
    stage.load.producer.produce(stage.load.topic, value=b"no document", key=b"garbage")
    stage.load.producer.flush(10.0)
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def late_file(stage: Stage) -> Iterator[None]:
    """Begin a run whose pixels are not there yet; they come with the end of the block."""
    path = Path(stage.settings["pixels"]["roots"][0]) / f"late-{len(stage.load.runs)}.h5"
    stage.load.begin_with_file(path)
    try:
        yield
    finally:
        write_file(path, stage.load.rng)


@contextmanager
def jumping_clock(clock: Path, seconds: float) -> Iterator[None]:
    """Let the wall clock of the agents be wrong by so many seconds for the length of the block."""
    clock.write_text(str(seconds))
    try:
        yield
    finally:
        clock.write_text("0")


def _load(stage: Stage, *, seconds: float, rate: float) -> None:
    for _ in range(stage.load.rng.poisson(seconds * rate)):
        stage.load.begin()
    stage.load.go_on(seconds=seconds)
