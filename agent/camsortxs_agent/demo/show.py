"""The demo, from the first server to the last check."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from camsortxs.sheet import thumbnail
from camsortxs_agent.demo.agent import Agent, configuration, running_agent
from camsortxs_agent.demo.archive import backfill
from camsortxs_agent.demo.beamline import Beamline, open_beamline
from camsortxs_agent.demo.broker import embedded_broker
from camsortxs_agent.demo.processes import ChildFailed
from camsortxs_agent.demo.report import Report, Taken
from camsortxs_agent.demo.results import Results, listen
from camsortxs_agent.demo.scenario import Measurement
from camsortxs_agent.demo.table import LiveTable, Row
from camsortxs_agent.demo.tiled_server import TiledServer, embedded_tiled
from camsortxs_agent.demo.verify import read_back, tagged
from camsortxs_agent.demo.wire import create_topics

DOCUMENTS = "demo.bluesky.runengine.documents"
RESULTS = "demo.bluesky.camsortxs.documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """Everything on this machine: broker, Tiled, beamline, agent, back-fill.

    Logs go to `out`; all else lives in a folder that is gone afterwards. Without a `model` the shipped bundle serves.
    `interval` is the time between two frames of a run, `patience` how long to wait for the agent after the last run,
    both in seconds.
    """

    out: Path
    console: Console
    model: Path | None = None
    interval: float = 0.1
    patience: float = 90.0

    def run(self, measurements: Iterable[Measurement]) -> tuple[Report, TiledServer]:
        """Take all `measurements`, and say what became of them.

        Raises
        ------
        ChildFailed
            When a server, the agent or the back-fill ended or did not answer; with the tail of its log.
        """
        for name in ("broker", "tiled", "agent", "backfill"):
            (self.out / f"{name}.log").unlink(missing_ok=True)
        with ExitStack() as stack:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="camsortxs-demo-")))
            pixels = work / "detector"
            pixels.mkdir()
            broker = stack.enter_context(embedded_broker(log=self.out / "broker.log"))
            create_topics(broker, [DOCUMENTS, RESULTS])
            self._say(f"Kafka broker at {broker}")
            # Long before the first run: joining a consumer group takes seconds, which are none of the agent's latency.
            results = stack.enter_context(listen(broker, RESULTS))
            tiled = stack.enter_context(embedded_tiled(work / "tiled", readable=[pixels], log=self.out / "tiled.log"))
            self._say(f"Tiled server at {tiled.uri}")
            settings = configuration(
                broker=broker, topic=DOCUMENTS, results=RESULTS, tiled=tiled, pixels=pixels,
                dead_letters=self.out / "dead-letters.jsonl", model=self.model,
            )  # fmt: skip
            agent = stack.enter_context(running_agent(settings, folder=work, log=self.out / "agent.log"))
            self._say(f"agent is process {agent.process.pid}")
            with open_beamline(broker=broker, topic=DOCUMENTS, tiled=tiled, folder=pixels) as beamline:
                taken, seconds = self._live(beamline, agent, results, tiled, measurements)
            agent.stop()
            names = {run.run: run.name for run in taken}
            archived = [run for run in taken if not run.live]
            if archived:
                self._say(f"back-filling {len(archived)} archived runs that Kafka never saw")
                for row in backfill(tiled, folder=work, log=self.out / "backfill.log", model=self.model):
                    self._say(f"recovered {names.get(row['run'], row['run'])}: {row['decided']}")
            found = read_back(tiled, [run.run for run in taken])
            return Report(taken=taken, found=found, heard=results.runs, seconds=seconds), tiled

    def _live(
        self,
        beamline: Beamline,
        agent: Agent,
        results: Results,
        tiled: TiledServer,
        measurements: Iterable[Measurement],
    ) -> tuple[list[Taken], float]:
        """Take the runs while the table shows what the agent says; return them, and the seconds that it all took."""
        table = LiveTable(results, self.console)
        taken: list[Taken] = []
        begun = time.monotonic()
        with table.live():
            for run in self._take(beamline, table, measurements):
                taken.append(run)
                agent.check()
            begun_waiting = time.monotonic()
            while waiting := {run.run for run in taken if run.live} - tagged(tiled):
                agent.check()
                table.status = f"waiting for {len(waiting)} runs"
                if time.monotonic() - begun_waiting > self.patience:
                    table.status = f"{len(waiting)} runs are still not tagged after {self.patience:.0f} s"
                    break
                time.sleep(0.5)
            else:
                table.status = "every live run is tagged"
        if not self.console.is_terminal:
            self.console.line()
        last = max((heard.at for heard in results.runs.values()), default=0.0)
        return taken, max(last - (time.time() - (time.monotonic() - begun)), 0.0)

    def _take(self, beamline: Beamline, table: LiveTable, measurements: Iterable[Measurement]) -> Iterator[Taken]:
        for measurement in measurements:
            table.status = f"measuring {measurement.name}"
            run = beamline.take(
                measurement.frames,
                form=measurement.form,
                detector=measurement.detector,
                configuration=measurement.configuration,
                metadata={"sample_name": measurement.name, **measurement.metadata},
                interval=self.interval,
                live=measurement.live,
            )
            if measurement.live:
                table.rows.append(
                    Row(run=run, name=measurement.name, detector=measurement.detector, form=measurement.form,
                        frames=len(measurement.frames))
                )  # fmt: skip
            yield Taken(
                run=run,
                name=measurement.name,
                truth=measurement.truth,
                frames=len(measurement.frames),
                live=measurement.live,
                thumbnail=thumbnail(measurement.frames[0], measurement.mask),
            )

    def _say(self, what: str) -> None:
        self.console.print(f"[bold green]✓[/] {what}", highlight=False)


__all__ = ["ChildFailed", "Demo"]
