"""The line of a replay: what is read once more, concluded as ever, and written where it is more than there was."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from camsortxs.adapters.retry import RetryingSink
from camsortxs.adapters.tiled import Catalogue, TiledRuns, TiledSink
from camsortxs.errors import SinkRejected
from camsortxs.offline.backfill import DryRun
from camsortxs.pipeline import Observer, Pipeline
from camsortxs.records import Outcome, Sink
from camsortxs_agent import pixels
from camsortxs_agent.kafka import Place, Stretch, config
from camsortxs_agent.replay.letters import Letter, settle
from camsortxs_agent.replay.reading import Reading, read_again, verdicts
from camsortxs_agent.runs import Runs
from camsortxs_agent.serving import load_model
from camsortxs_agent.settings import Settings

_PATIENCE_SECONDS = 2.0
"""How long a run may take to appear complete in the catalogue: what is replayed is there, or will not come."""


class ReplayLine:
    """Reads once more from the catalogue or from Kafka; with `dry_run` nothing is written and no letter settled.

    `refused` has what the catalogue had against each run, `unfinished` the runs whose stop document did not come.

    Raises
    ------
    ModelError
        When the bundle of the settings is not to be used.
    """

    def __init__(self, settings: Settings, archive: Catalogue, *, observers: Sequence[Observer], dry_run: bool) -> None:
        self.refused: dict[str, str] = {}
        self.unfinished: list[str] = []
        self._settings = settings
        self._archive = archive
        self._dry_run = dry_run
        written = TiledSink(archive, by="replay", patience=_PATIENCE_SECONDS, renew=True)
        sink: Sink = DryRun() if dry_run else RetryingSink(written, rejected=self._note, forget=written.forget)
        self._line = Pipeline(
            model=load_model(settings.model).model,
            sink=sink,
            observers=observers,
            workers=settings.batch.workers or os.cpu_count() or 1,
        )

    def letters(self, file: Path, letters: Sequence[Letter]) -> Iterator[tuple[Letter, str | None]]:
        """Yield each letter of a file with what is still in its way; one that nothing is in the way of is settled.

        Raises
        ------
        SourceError
            When the catalogue is out of reach.
        """
        source = TiledRuns(catalogue=self._archive, batch=self._settings.batch.frames)

        def read(uid: str) -> Reading:
            return read_again(uid, source=source, line=self._line, refusals=self.refused.get)

        for letter, trouble in verdicts(letters, read):
            if trouble is None and not self._dry_run:
                settle(file, letter)
            yield letter, trouble

    def documents(
        self,
        *,
        places: Sequence[Place],
        since: datetime | None,
        sized: Callable[[int], None],
        moved: Callable[[int], None],
    ) -> None:
        """Read the documents from these places in Kafka, or since a time, up to the present end.

        Raises
        ------
        SourceError
            As of `Stretch`.
        """
        runs = Runs(pixels=pixels.reader(self._settings.pixels, patience=0.0))
        self._line.run(
            Stretch(
                config=config.consumer(self._settings.kafka),
                runs=runs,
                places=places,
                topics=self._settings.kafka.topics,
                since=since,
                batch_frames=self._settings.batch.frames,
                max_bytes=self._settings.kafka.max_message_bytes,
                sized=sized,
                moved=moved,
            )
        )
        self.unfinished = list(runs)

    def _note(self, outcome: Outcome, error: SinkRejected) -> None:
        self.refused.update({end.run: str(error) for end in outcome.ended})
