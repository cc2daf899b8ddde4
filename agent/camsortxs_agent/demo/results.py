"""What the agent says on its results topic, read as any other Bluesky consumer would."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from camsortxs_agent.demo.wire import BlueskyConsumer

FrameName = tuple[str, str, int]  # stream, data key, index


@dataclass(slots=True, kw_only=True)
class Heard:
    """What was heard of one run. `latencies` in seconds: from the frame's event to its result being here."""

    frames: dict[FrameName, set[str]] = field(default_factory=lambda: defaultdict(set))
    latencies: list[float] = field(default_factory=list)
    last: Mapping[str, Any] | None = None
    index: Mapping[str, Any] | None = None
    at: float = 0.0

    @property
    def repeated(self) -> bool:
        """Whether one frame has results of different uids: it was counted twice."""
        return any(len(uids) > 1 for uids in self.frames.values())


class Results:
    """Sorts the documents of derived runs by the raw run that they are about."""

    def __init__(self) -> None:
        self.runs: dict[str, Heard] = {}
        self._runs_by_start: dict[str, str] = {}
        self._runs_by_descriptor: dict[str, str] = {}

    def __call__(self, name: str, document: Mapping[str, Any]) -> None:
        """Take in one document."""
        if name == "start":
            self._runs_by_start[document["uid"]] = document["raw_uid"]
            self.runs.setdefault(document["raw_uid"], Heard())
        elif name == "descriptor":
            self._runs_by_descriptor[document["uid"]] = self._runs_by_start[document["run_start"]]
        elif name == "event":
            self._event(self.runs[self._runs_by_descriptor[document["descriptor"]]], document)
        elif name == "stop":
            heard = self.runs[self._runs_by_start[document["run_start"]]]
            heard.index = document["camsortxs"]
            heard.at = time.time()

    @staticmethod
    def _event(heard: Heard, document: Mapping[str, Any]) -> None:
        row = document["data"]
        seen = heard.frames[row["raw_stream"], row["raw_data_key"], row["raw_index"]]
        if not seen:
            heard.at = time.time()
            heard.latencies.append(heard.at - (document["time"] - row["latency"]))
        seen.add(document["uid"])
        heard.last = row


@contextmanager
def listen(broker: str, topic: str) -> Iterator[Results]:
    """Read the results topic from its beginning, on a thread, for the length of the block.

    Raises
    ------
    Exception
        At the end, whatever went wrong while reading: a document that breaks the form, a broker that went away.
    """
    results = Results()
    over = Event()
    errors: list[Exception] = []
    consumer = BlueskyConsumer(
        [topic],
        broker,
        group_id=f"demo-{uuid4()}",
        # A short session: the embedded broker takes half of it to let a group begin.
        consumer_config={
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1000,
            "topic.metadata.refresh.interval.ms": 1000,
            "fetch.wait.max.ms": 20,
            "log.connection.close": False,
        },
        process_document=lambda _consumer, _topic, name, document: results(name, document),
    )
    thread = Thread(
        target=consumer.start_polling,
        kwargs={"continue_polling": lambda: not over.is_set(), "on_exception": errors.append},
        name="results",
        daemon=True,
    )
    thread.start()
    try:
        yield results
    finally:
        over.set()
        thread.join(10.0)
    if errors:
        raise errors[0]
