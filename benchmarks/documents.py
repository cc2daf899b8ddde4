"""What documents cost before any pixel: decode and run tracking, as the agent does them for each message."""

from typing import Any

import msgpack
import msgpack_numpy
from event_model import compose_run
from measure import measure

from camsortxs.adapters.pixels import FilePixels
from camsortxs.frames import RunEnd
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import decode, encode

RUNS, EVENTS = 100, 97
"""100 documents a run: start, descriptor, events of ten readings, stop."""


def rows() -> list[dict[str, Any]]:
    """Read 10,000 messages of runs one after another: ours beside msgpack alone, which knows nothing of runs."""
    messages = [message for number in range(RUNS) for message in _run(number)]

    def ours() -> None:
        runs = Runs(pixels=FilePixels(roots=[]))
        for offset, message in enumerate(messages):
            name, document = decode(message)
            for item in runs.consume(name, document, place="p", offset=offset, time=1.8e9 + offset):
                if isinstance(item, RunEnd):
                    runs.closer(item.run)()
            runs.overdue("p", before=1.7e9)
            runs.first_offset("p")
        if len(runs):
            raise AssertionError(f"{len(runs)} runs are open")

    def alone() -> None:
        for message in messages:
            msgpack.unpackb(message, object_hook=msgpack_numpy.decode, strict_map_key=False)

    row = measure(f"{len(messages)} documents decoded and tracked", ours, "msgpack-numpy alone", alone, rounds=7)
    row["agreement"] = {"documents_per_second": round(1000 * len(messages) / row["ours_ms"])}
    return [row]


def _run(number: int) -> list[bytes]:
    run = compose_run(metadata={"scan_id": number, "sample": "AgBH", "plan_name": "count", "operator": "nobody"})
    names = [f"motor_{each}" for each in range(9)]
    keys: dict[str, Any] = {name: {"source": "sim", "dtype": "number", "shape": []} for name in names}
    keys["pilatus_image"] = {"source": "sim", "dtype": "array", "shape": [1, 1475, 1679], "external": "STREAM:"}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    data, times = dict.fromkeys(names, 1.5), dict.fromkeys(names, 1.8e9)
    events = [
        stream.compose_event(data=data, timestamps=times, seq_num=each, validate=False) for each in range(1, EVENTS + 1)
    ]
    documents = [("start", run.start_doc), ("descriptor", stream.descriptor_doc), *(("event", e) for e in events)]
    return [encode(name, dict(document)) for name, document in (*documents, ("stop", run.compose_stop()))]
