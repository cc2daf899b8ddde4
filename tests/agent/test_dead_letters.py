import json
import resource
from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.publisher import Published

from camsortxs.errors import FrameError, SinkRejected, SinkUnavailable, traceback_digest
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


def test_what_the_topic_will_not_take_is_in_the_file(tmp_path):
    class Strict:
        def publish(self, topic, messages):
            raise SinkRejected("too_large", "more than this topic takes")

    DeadLetters(Strict(), topic="dead", file=tmp_path / "dead.jsonl").write(Outcome(model="m@1", rejected=(BAD,)))
    assert lines(tmp_path / "dead.jsonl")[0]["reason"] == "undecodable"
    with pytest.raises(SinkRejected):
        DeadLetters(Strict(), topic="dead").write(Outcome(model="m@1", rejected=(BAD,)))


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


def failed(reason, message="no", *, through=None):
    def deeper():
        raise FrameError(reason, message)

    try:
        if through is None:
            raise FrameError(reason, message)
        deeper()
    except FrameError as error:
        return traceback_digest(error)


def test_equal_failures_have_the_digest_of_their_traceback_in_common(published, tmp_path):
    assert failed("a", "one") == failed("a", "two")
    assert failed("a") != failed("a", through="another function")
    bad = Rejected(reason="a", message="", digest=failed("a"))
    DeadLetters(published, topic="dead", file=tmp_path / "dead.jsonl").write(Outcome(model="m@1", rejected=(bad,)))
    assert lines(tmp_path / "dead.jsonl")[0]["traceback"] == failed("a")
    assert json.loads(published.messages[0][2])["traceback"] == failed("a")


def test_a_cause_makes_another_digest():
    digests = set()
    for cause in (KeyError("x"), OSError("x")):
        try:
            raise FrameError("a", "no") from cause
        except FrameError as error:
            digests.add(traceback_digest(error))
    assert len(digests) == 2


@contextmanager
def room_for(size):
    """Let no file of this process grow beyond that: the write that does is cut short, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def numbered(first, last):
    return Outcome(model="m@1", rejected=tuple(Rejected(reason="r", message=str(n)) for n in range(first, last)))


def test_a_disk_that_fills_up_tears_no_line_and_loses_no_letter(published, tmp_path):
    file = tmp_path / "dead.jsonl"
    letters = DeadLetters(published, topic="dead", file=file)
    letters.write(numbered(0, 3))
    before = file.read_bytes()
    with room_for(len(before) + 250), pytest.raises(SinkUnavailable, match="dead letters"):
        letters.write(numbered(3, 9))
    assert file.read_bytes() == before
    letters.write(numbered(3, 9))
    assert [letter["message"] for letter in lines(file)] == [str(n) for n in range(9)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_full_is_waited_for(published):
    with pytest.raises(SinkUnavailable, match="No space left"):
        DeadLetters(published, topic="dead", file=Path("/dev/full")).write(numbered(0, 1))


@pytest.mark.parametrize("torn", [b'{"reason": "r", "mess', b"x" * 200_000])
def test_what_a_killed_process_left_half_written_is_cut(published, tmp_path, torn):
    file = tmp_path / "dead.jsonl"
    letters = DeadLetters(published, topic="dead", file=file)
    letters.write(numbered(0, 1))
    file.write_bytes(file.read_bytes() + torn)
    letters.write(numbered(1, 2))
    assert [letter["message"] for letter in lines(file)] == ["0", "1"]
