import json
from base64 import b64decode

import pytest
from support.publisher import Published

from camsortxs.errors import SinkRejected, SinkUnavailable
from camsortxs.frames import FrameKey, Rejected, RunEnd
from camsortxs.records import Outcome
from camsortxs_agent.dead_letters import MAX_TOPIC_BYTES, DeadLetters

BAD = Rejected(
    reason="undecodable",
    message="not a Bluesky message",
    origin={"topic": "documents", "partition": 3, "offset": 7},
    payload=b"\xff\x00rubbish",
)


@pytest.fixture
def published():
    return Published()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_refusal_is_kept_with_reason_origin_and_original_bytes(published, tmp_path):
    counted = []
    file = tmp_path / "new" / "dead.jsonl"
    DeadLetters(published, topic="dead", file=file, written=counted.append).write(Outcome(model="m@1", rejected=(BAD,)))
    (letter,) = lines(file)
    assert (letter["reason"], letter["origin"]["offset"]) == ("undecodable", 7)
    assert b64decode(letter["payload"]) == BAD.payload
    assert json.loads(published.messages[0][2]) == letter
    assert counted == ["undecodable"]


def test_a_message_too_large_for_the_topic_is_whole_in_the_file(published, tmp_path):
    payload = b"x" * (2 * MAX_TOPIC_BYTES)
    big = Rejected(reason="too_long", message="", payload=payload)
    DeadLetters(published, topic="dead", file=tmp_path / "dead.jsonl").write(Outcome(model="m@1", rejected=(big,)))
    assert json.loads(published.messages[0][2])["payload"] is None
    assert b64decode(lines(tmp_path / "dead.jsonl")[0]["payload"]) == payload


def test_nothing_refused_nothing_written(published, tmp_path):
    DeadLetters(published, topic="dead", file=tmp_path / "dead.jsonl").write(Outcome(model="m@1"))
    assert published.messages == []
    assert not (tmp_path / "dead.jsonl").exists()


@pytest.mark.parametrize("what", ["topic", "file"])
def test_when_it_cannot_be_kept_nothing_is_acknowledged(what, tmp_path):
    file = tmp_path / "dead.jsonl"
    if what == "file":
        file.mkdir()
    letters = DeadLetters(Published(failures=what == "topic"), topic="dead", file=file)
    with pytest.raises(SinkUnavailable):
        letters.write(Outcome(model="m@1", rejected=(BAD,)))


def test_what_a_sink_refuses_for_good_is_kept_too(published, tmp_path, make_frame):
    key = FrameKey(run="run", stream="primary", data_key="pil", index=0)
    outcome = Outcome(model="m@1", ended=(RunEnd(run=key.run),))
    DeadLetters(published, topic="dead", file=tmp_path / "dead.jsonl").refuse(outcome, SinkRejected("tiled_422", "no"))
    assert lines(tmp_path / "dead.jsonl")[0]["ended"] == ["run"]
