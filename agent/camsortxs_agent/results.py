"""The results topic: each conclusion as a Bluesky document, while the scan still runs."""

import time
from dataclasses import dataclass, field
from typing import Any

from camsortxs import derived
from camsortxs.frames import FrameKey
from camsortxs.records import Outcome
from camsortxs.summary import OpenRun, gather
from camsortxs_agent.wire import Publisher, encode


@dataclass(kw_only=True)
class _Derived:
    """One derived run: what was said so far, in the order in which it was said."""

    model: str
    seq_nums: dict[FrameKey, int] = field(default_factory=dict)
    begun: bool = False


class ResultsTopic:
    """Publishes the derived run of every raw run, batch by batch: start and descriptor, an event a frame, stop.

    Every uid follows from run, model and frame: whoever sees a document twice knows it. `write` returns when all is
    delivered.
    """

    def __init__(self, publisher: Publisher, *, topic: str, by: str = "live") -> None:
        self._publisher = publisher
        self._topic = topic
        self._by = by
        self._open: dict[str, OpenRun] = {}
        self._runs: dict[str, _Derived] = {}

    def forget(self, run: str) -> None:
        """Drop what is kept of a run that another agent goes on with: it publishes the same documents anew."""
        self._runs.pop(run, None)
        self._open.pop(run, None)

    def write(self, outcome: Outcome) -> None:
        """Publish what is new.

        Raises
        ------
        SinkUnavailable, SinkRejected
            When it was not delivered; those documents that were come again.
        """
        now = time.time()
        documents: list[tuple[str, str, dict[str, Any]]] = []
        gather(self._open, outcome)
        for record in outcome.records:
            self._runs.setdefault(record.key.run, _Derived(model=record.model))
        for uid in dict.fromkeys(record.key.run for record in outcome.records):
            run = self._runs[uid]
            if not run.begun:
                documents.append((uid, "start", derived.start_document(uid, run.model, time=now)))
                documents.append((uid, "descriptor", derived.descriptor_document(uid, run.model, time=now)))
        for record in outcome.records:
            run = self._runs[record.key.run]
            seq_num = run.seq_nums.setdefault(record.key, len(run.seq_nums) + 1)
            event = derived.event_document(record, run.model, seq_num=seq_num, time=now)
            documents.append((record.key.run, "event", event))
        ended = [end.run for end in outcome.ended if end.run in self._runs]
        for uid in ended:
            run, known = self._runs[uid], self._open[uid]
            records = list(known.records.values())
            index = derived.index_metadata(known.summary(), records, model=run.model, by=self._by)
            stop = derived.stop_document(uid, run.model, time=now, frames=len(records), index=index)
            documents.append((uid, "stop", stop))
        if documents:
            self._publisher.publish(self._topic, [(uid, encode(name, doc)) for uid, name, doc in documents])
        for uid, _, _ in documents:
            self._runs[uid].begun = True
        for end in outcome.ended:
            self._runs.pop(end.run, None)
            self._open.pop(end.run, None)
