"""A short run of the fuzz; `make fuzz` is the long one."""

import pytest
from support import fuzz

from camsortxs.errors import FrameError
from camsortxs_agent.runs import Runs


def test_mutated_messages_cost_nothing_but_themselves():
    found = fuzz.Found()
    with fuzz.watched():
        fuzz.fuzz_decode(found, inputs=5000, seed=1)
    assert found.finds == []
    assert set(found.outcomes) >= {"decoded", "undecodable", "object_array"}


def test_disturbed_runs_cost_nothing_but_themselves():
    found = fuzz.Found()
    with fuzz.watched():
        fuzz.fuzz_runs(found, sequences=200, seed=1)
    assert found.finds == []
    assert set(found.outcomes) >= {"Unread", "Frame", "RunEnd", "malformed", "orphan"}


@pytest.mark.parametrize("indices", [{"start": 0, "stop": 1 << 40}, {"start": 0, "stop": 1_000_001}])
def test_a_stream_datum_of_a_trillion_events_is_refused(indices):
    runs = Runs(pixels=fuzz.Nowhere())
    for path in sorted(fuzz.CORPUS.glob("seed-0[01]*")) + sorted(fuzz.CORPUS.glob("seed-3[12]*")):
        list(runs.consume(*fuzz.decode(path.read_bytes()), place="p", offset=0))
    name, document = fuzz.decode((fuzz.CORPUS / "seed-33-stream_datum.msgpack").read_bytes())
    with pytest.raises(FrameError, match="stream datum of"):
        next(runs.consume(name, {**document, "indices": indices}, place="p", offset=1))
