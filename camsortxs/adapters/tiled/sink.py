"""Write-back: the record of a run, then the index on the run itself, each exactly once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import time
from typing import Any

from bluesky_tiled_plugins import TiledWriter

from camsortxs import derived
from camsortxs.adapters.tiled.connection import Catalogue, as_sink_errors, fetch
from camsortxs.errors import SinkUnavailable
from camsortxs.frames import INCOMPLETE, RunEnd
from camsortxs.records import Outcome, Record
from camsortxs.summary import OpenRun, gather

TAKEOVER_SECONDS = 10.0
"""A record without a stop document is being written by another agent, or was left by one that died this long ago; so
is the index of a run that has its record and no index."""

_TABLE = "internal"
"""Where in a stream `TiledWriter` puts what stands in the events themselves."""


class TiledSink:
    """Keeps what it is given until a run ends, then writes its record and its index.

    Writing the same outcome twice changes nothing: the record is a container whose key names run and model, and a
    complete one is left alone; the index is compared before it is written. Who made the record writes the index: of two
    who conclude one run at the same moment, the second waits to see it (a run without records is not told apart: two
    may write its index, and they write the same). `by` tells the live agent from a back-fill.
    `patience` is how long, in seconds, a raw run may take to appear complete in Tiled after its stop document. With
    `yielding`, an index that another has written on a run is left as it is, whatever it says. With `renew`, nothing
    is written of a reading that found no more frames than the index tells of. A record gives way to one of more rows.
    `withheld` is told the uid of each run that got a record only, because its catalogue has no place for an index
    (`Catalogue.write_start`).
    Record and index are named after the model that saw the first frame of the run: one record, one index, even where
    another model served before it ended (the record has a column `model`). A run that ended `INCOMPLETE` gets its
    record, and an index only where Tiled shows its stop document at that moment. No index gives way to one of the same
    model that saw fewer frames, nor to one that saw none: files are moved away, and a run may be read again after that.
    Nor does one that the same line (`by`) concluded with another model, and no fewer frames: there is no second record.

    Raises
    ------
    SinkUnavailable
        From `write`, when Tiled cannot take it now, or does not show the end of the raw run yet.
    SinkRejected
        From `write`, when Tiled will never take it.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        by: str,
        patience: float = 30.0,
        yielding: bool = False,
        renew: bool = False,
        withheld: Callable[[str], None] = lambda run: None,
    ) -> None:
        self._catalogue = catalogue
        self._by = by
        self._patience = patience
        self._yielding = yielding
        self._renew = renew
        self._withheld = withheld
        self._open: dict[str, OpenRun] = {}
        self._made: set[str] = set()  # the runs, not finished yet, whose record is of this sink's own making

    def forget(self, run: str) -> None:
        """Drop what is kept of a run that another goes on with, who reads it from its start, or that is refused."""
        self._open.pop(run, None)
        self._made.discard(run)

    def write(self, outcome: Outcome) -> None:
        """Remember the records; finish the runs that have ended."""
        gather(self._open, outcome)
        for end in outcome.ended:
            self._finish(end, self._open.get(end.run, OpenRun()), outcome.model)
            self.forget(end.run)

    def _finish(self, end: RunEnd, known: OpenRun, model: str) -> None:
        run = end.run
        records = list(known.records.values())
        model = records[0].model if records else model
        index = derived.index_metadata(known.summary(), records, model=model, by=self._by)
        with as_sink_errors():
            there = self._index_of(run)
            if self._concluded(there, model, len(records)) and run not in self._made:
                return
            theirs = self._yielding and there.get("model") is not None
            theirs_until = self._write_record(run, model, records, index, theirs=theirs) if records else 0.0
            self._write_index(run, index, theirs_until, wait=end.exit_status != INCOMPLETE)

    def _write_record(
        self, run: str, model: str, records: Sequence[Record], index: dict[str, Any], *, theirs: bool
    ) -> float:
        """Write the record unless it is there; return until when (s since 1970) its maker alone writes the index.

        A record of fewer frames gives way, unless it is `theirs`: the index would tell of more rows than it has.
        """
        results = self._catalogue.results
        key = derived.record_key(run, model)
        existing = fetch(results, key)
        if existing is not None:
            if (stop := existing.metadata.get("stop")) is not None:
                if theirs or stop["num_events"][derived.STREAM] >= len(records):
                    return 0.0 if run in self._made else stop["time"] + TAKEOVER_SECONDS
            elif (age := time() - existing.metadata["start"]["time"]) < TAKEOVER_SECONDS:
                self._made.discard(run)  # half written, by whomever: who makes it anew is not known yet
                raise SinkUnavailable(f"record {key} is being written", retry_after=min(2.0, TAKEOVER_SECONDS - age))
            existing.delete(recursive=True, external_only=False)
        write = TiledWriter(results)
        for name, document in _documents(run, model, records, index):
            write(name, document)
            self._made.add(run)  # from the first one on: what fails later is tried again by us, and is still ours
        # TiledWriter repeats an append whose answer was lost: rows may then stand twice, and we want each once.
        rows = results[key, derived.STREAM, _TABLE].read([derived.PLACE_COLUMN])
        if len(rows) != len(records):
            results[key].delete(recursive=True, external_only=False)
            raise SinkUnavailable(f"record {key} holds {len(rows)} rows for {len(records)} frames", retry_after=0.2)
        return 0.0

    def _write_index(self, run: str, index: dict[str, Any], theirs_until: float, *, wait: bool) -> None:
        if not self._catalogue.takes_index:
            self._withheld(run)
            return
        raw = self._catalogue.run(run)
        # Writing beside TiledWriter's own last write has erased stop documents: wait until Tiled shows it.
        if raw is None or not raw.metadata.get("stop"):
            if not wait:
                return
            raise SinkUnavailable(f"run {run} is not complete in Tiled", retry_after=0.2, patience=self._patience)
        there = self._catalogue.index_in(raw.metadata)
        tagged = there.get("model") is not None
        if derived.same_conclusion(index, there) or (self._yielding and tagged) or _poorer(index, there):
            return
        if not tagged and (left := theirs_until - time()) > 0:
            raise SinkUnavailable(f"the index of run {run} is being written", retry_after=min(0.5, left))
        # A merge patch touches our key alone, and within it nothing but our fields: a human label stays.
        patch = self._catalogue.index_patch(index)
        raw.patch_metadata(patch, content_type="application/merge-patch+json", drop_revision=False)
        written = self._catalogue.run(run)
        if written is None or not self._says(written, index) or not written.metadata.get("stop"):
            raise SinkUnavailable(f"the index of run {run} was overwritten by another writer", retry_after=0.2)

    def _index_of(self, run: str) -> Mapping[str, Any]:
        raw = self._catalogue.run(run) if self._catalogue.takes_index else None
        return {} if raw is None else self._catalogue.index_in(raw.metadata)

    def _concluded(self, there: Mapping[str, Any], model: str, frames: int) -> bool:
        """Say whether the index that a run has tells of as many frames, or more, and is not to be touched for it.

        What the same line concluded by another model stays: a restart reads finished runs again, too, and a model may
        have been promoted since.
        """
        if there.get("model") is None:  # not tagged: somebody took it away to have the run named anew
            return False
        ours = there.get("by") == self._by and there["model"] != model
        return (self._renew or ours) and _frames(there) >= frames

    def _says(self, raw: Any, index: dict[str, Any]) -> bool:
        return derived.same_conclusion(index, self._catalogue.index_in(raw.metadata))


def _poorer(index: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Say whether an index tells of fewer frames than the one that is there, of the same model, or of none at all."""
    same = index["model"] == there.get("model") or not _frames(index)
    return same and _frames(index) < _frames(there)


def _frames(index: Mapping[str, Any]) -> int:
    """Return how many frames an index tells of; -1 when it does not."""
    frames = index.get("frames")
    return frames if isinstance(frames, int) else -1


def _documents(
    run: str, model: str, records: Sequence[Record], index: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    now = time()
    first = records[0]
    yield (
        "start",
        derived.start_document(run, model, time=now, feature_digest=first.feature_digest, threshold=first.threshold),
    )
    yield "descriptor", derived.descriptor_document(run, model, time=now)
    ordered = sorted(records, key=lambda r: (r.key.stream, r.key.data_key, r.key.index))
    for seq_num, record in enumerate(ordered, start=1):
        # A run may go on for hours after its first frame was named: the row says when that was.
        yield "event", derived.event_document(record, model, seq_num=seq_num, time=record.concluded_at or now)
    yield "stop", derived.stop_document(run, model, time=time(), frames=len(ordered), index=index)
