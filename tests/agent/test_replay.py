"""`camsortxs-agent replay`, with a real broker and a real Tiled."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from bluesky_tiled_plugins import TiledWriter
from confluent_kafka import Consumer, TopicPartition
from support.bluesky_runs import BlueskyRun, fresh_uid, write_hdf5
from tiled.client import from_uri
from typer.testing import CliRunner

from camsortxs.adapters.tiled import Catalogue, TiledRuns, TiledSink
from camsortxs.frames import Batch, FrameKey, Rejected
from camsortxs.pipeline import Pipeline
from camsortxs.records import Outcome
from camsortxs.testing import tiny_model
from camsortxs_agent.__main__ import app
from camsortxs_agent.dead_letters import DeadLetters
from camsortxs_agent.kafka import Stretch
from camsortxs_agent.replay.letters import settle, settled_beside, unsettled
from camsortxs_agent.serving import Loaded

IMAGES = np.stack([np.full((40, 60), 3 + i, dtype=np.int32) for i in range(3)])


@pytest.fixture(autouse=True)
def _tiny(monkeypatch, restored_logging):
    monkeypatch.setattr("camsortxs_agent.replay.line.load_model", lambda settings: Loaded(model=tiny_model()))


@pytest.fixture
def letters(tmp_path) -> Path:
    return tmp_path / "dead.jsonl"


@pytest.fixture
def replay(tmp_path, letters, broker, topic, tiled_server, begin_raw_run, monkeypatch):
    config = tmp_path / "agent.toml"
    config.write_text(
        f'[kafka]\nbootstrap_servers = "{broker}"\ntopics = ["{topic}"]\ngroup_id = "{topic}"\n'
        f'[tiled]\nuri = "{tiled_server.uri}"\napi_key = "{tiled_server.api_key}"\n'
        f'raw_path = "{begin_raw_run.path}"\nresults_path = "{begin_raw_run.path}-results"\n'
        f'[dead_letters]\npath = "{letters}"\n[pixels]\nroots = ["{tmp_path}"]\n'
    )
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, ["replay", "--config", str(config), *arguments])


def objects(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def index_of(catalogue: Catalogue, run: str) -> dict:
    return catalogue.raw[run].metadata.get("camsortxs", {})


def concluded_live(catalogue: Catalogue, run: str, letters: Path, *, refused: int) -> None:
    """What the live line leaves of a run of which it could not read one frame."""
    late = Rejected(reason="missing_file", message="not there", key=FrameKey(run=run, **PLACE, index=refused))
    line = Pipeline(model=tiny_model(), sink=TiledSink(catalogue, by="live"))
    for batch in TiledRuns(catalogue=catalogue).batches_of(run):
        frames = tuple(frame for frame in batch.frames if frame.key.index != refused)
        line.process(Batch(frames=frames, rejected=(late,) if batch.frames else (), ended=batch.ended))
    DeadLetters(None, file=letters).write(Outcome(model="tiny", rejected=(late,)))


PLACE = {"stream": "primary", "data_key": "pilatus"}


def test_a_frame_that_came_late_gets_into_the_record_once(replay, catalogue, begin_raw_run, letters):
    run = begin_raw_run(frames=IMAGES)
    concluded_live(catalogue, run, letters, refused=1)
    label = {"camsortxs": {"human": {"technique": "GIWAXS"}}}
    catalogue.raw[run].patch_metadata(label, content_type="application/merge-patch+json")
    assert (index_of(catalogue, run)["frames"], index_of(catalogue, run)["by"]) == (2, "live")

    result = replay("--from-dead-letters")
    assert result.exit_code == 0, result.output
    assert "1 of 1 dead letters settled" in result.stdout
    index = index_of(catalogue, run)
    assert (index["frames"], index["rejected"], index["by"]) == (3, [], "replay")
    assert index["human"] == {"technique": "GIWAXS"}
    (record,) = catalogue.results.values()
    assert list(record["primary"]["raw_index"].read()) == [0, 1, 2]

    revisions = len(catalogue.raw[run].metadata_revisions[:])
    again = replay("--from-dead-letters")
    assert again.exit_code == 0
    assert "0 of 0 dead letters" in again.stdout
    assert len(catalogue.raw[run].metadata_revisions[:]) == revisions
    assert next(iter(catalogue.results.values())).item["id"] == record.item["id"]


def test_a_dry_run_writes_and_settles_nothing(replay, catalogue, begin_raw_run, letters):
    run = begin_raw_run(frames=IMAGES)
    concluded_live(catalogue, run, letters, refused=1)
    before = index_of(catalogue, run)

    for _ in range(2):
        result = replay("--from-dead-letters", "--dry-run", "--format", "json")
        assert result.exit_code == 0, result.output
        recovered, letter = objects(result)
        assert (recovered["run"], recovered["frames"]) == (run, 3)
        assert (letter["reason"], letter["left"], letter["settled"]) == ("missing_file", None, False)
    assert index_of(catalogue, run) == before


def test_what_cannot_be_settled_stays_and_says_why(replay, catalogue, begin_raw_run, letters):
    broken = np.stack([IMAGES[0], np.full((40, 60), -1)]).astype(np.int32)
    run = begin_raw_run(frames=broken)
    still_running = begin_raw_run(frames=IMAGES, complete=False)
    place = {"topic": "bluesky", "partition": 2, "offset": 17}
    refusals = (
        Rejected(reason="all_bad", message="", key=FrameKey(run=run, **PLACE, index=1)),
        Rejected(reason="missing_file", message="", key=FrameKey(run=run, **PLACE, index=9)),
        Rejected(reason="undecodable", message="", origin=place, payload=b"rubbish"),
        Rejected(reason="malformed", message="", origin={**place, "run": still_running}),
        Rejected(reason="malformed", message="", origin={**place, "run": "nobody"}),
        Rejected(reason="malformed", message="", origin={**place, "run": run}),
    )
    DeadLetters(None, file=letters).write(Outcome(model="tiny", rejected=refusals))
    with letters.open("a") as file:
        file.write("not JSON\n" + '{"reason": "cut sho')

    for told in (7, 6):  # the last one of the six is settled by the first replay
        result = replay("--from-dead-letters", "--format", "json")
        assert result.exit_code == 3, result.output
        left = [each for each in objects(result) if "letter" in each]
        assert len(left) == told
    assert [each["left"].split(":")[0] for each in left[:2]] == ["refused again", "the catalogue has no such frame"]
    assert left[1]["reason"] == "missing_file"
    assert "--from-offset bluesky:2:17" in left[2]["left"]
    assert {each["left"] for each in left[3:5]} == {"the run is not in the catalogue, or not complete yet"}
    assert left[5]["reason"] == "unreadable_letter"
    assert index_of(catalogue, run)["frames"] == 1


def test_without_dead_letters_there_is_nothing_to_do(replay):
    result = replay("--from-dead-letters")
    assert result.exit_code == 0, result.output
    assert "0 of 0 dead letters" in result.stdout
    assert "is not there: nothing was refused yet" in " ".join(result.stderr.split())


def test_a_torn_note_of_what_is_settled_costs_no_other(tmp_path):
    file = tmp_path / "dead.jsonl"
    file.write_text("".join(json.dumps({"reason": "missing_file", "run": f"run-{n}"}) + "\n" for n in range(3)))
    first, second, third = unsettled(file)
    settle(file, first)
    settle(file, second)
    beside = settled_beside(file)
    beside.write_bytes(beside.read_bytes()[:-20])
    assert unsettled(file) == [second, third]
    settle(file, third)
    assert unsettled(file) == [second]


@pytest.fixture
def in_both(publish, tiled_server, begin_raw_run):
    """Publish a run on Kafka, and have it written to Tiled."""
    root = from_uri(tiled_server.uri, api_key=tiled_server.api_key)

    def begin(run: BlueskyRun, told=None, *, documents=slice(None)) -> str:
        told = list(told or run.inline())
        publish(*told[documents])
        write = TiledWriter(root[begin_raw_run.path])
        for name, document in told:
            if "stream_" not in name:  # of files that are not there, Tiled is not told
                write(name, document)
        return run.uid

    yield begin
    root.context.close()


@pytest.fixture
def from_offset(broker, topic):
    """Return the argument for an offset in the one partition of the test's topic that has messages."""

    def place(offset: int) -> tuple[str, str]:
        reader = Consumer({"bootstrap.servers": broker, "group.id": f"{topic}-looks", "enable.auto.commit": False})
        numbers = reader.list_topics(topic, timeout=10).topics[topic].partitions
        reader.assign([TopicPartition(topic, number, 0) for number in numbers])
        while (message := reader.poll(10)) is not None and message.error():
            pass
        reader.close()
        return "--from-offset", f"{topic}:{message.partition()}:{offset}"

    return place


def test_documents_are_read_again_from_an_offset_and_nothing_is_written_twice(
    replay, catalogue, in_both, from_offset, topic, broker
):
    runs = [in_both(BlueskyRun(fresh_uid("again"))) for _ in range(2)]
    length = len(list(BlueskyRun("length").inline()))

    result = replay(*from_offset(length))
    assert result.exit_code == 0, result.output
    assert [bool(index_of(catalogue, run)) for run in runs] == [False, True]

    for _ in range(2):
        result = replay(*from_offset(0), "--format", "json")
        assert result.exit_code == 0, result.output
        assert {each["run"]: each["frames"] for each in objects(result)} == dict.fromkeys(runs, 3)
    assert [len(catalogue.raw[run].metadata_revisions[:]) for run in runs] == [1, 1]
    assert [index_of(catalogue, run)["by"] for run in runs] == ["replay"] * 2
    assert len(catalogue.results) == 2

    ours = Consumer({"bootstrap.servers": broker, "group.id": topic})
    committed = ours.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], timeout=10)
    ours.close()
    assert max(tp.offset for tp in committed) < 0  # the agent's own place is not moved


def test_a_file_that_came_after_the_agents_patience_fills_the_record(replay, catalogue, in_both, from_offset, tmp_path):
    run, file = BlueskyRun(fresh_uid("late")), tmp_path / "late.h5"
    in_both(run, run.stream(file))
    found = []
    for images in (None, run.images[:2], run.images, run.images[:1]):
        if images is not None:
            write_hdf5(file, images)
        assert replay(*from_offset(0)).exit_code == 0
        index = index_of(catalogue, run.uid)
        found.append((index["frames"], sum(refused["count"] for refused in index["rejected"])))
    assert found == [(0, 3), (2, 1), (3, 0), (3, 0)]
    (record,) = catalogue.results.values()
    assert list(record["primary"]["raw_index"].read()) == [0, 1, 2]


def test_what_the_stretch_cuts_off_is_told(replay, in_both, from_offset):
    in_both(BlueskyRun(fresh_uid("cut")))
    unfinished = in_both(BlueskyRun(fresh_uid("open")), documents=slice(3))

    result = replay(*from_offset(1))
    assert result.exit_code == 0, result.output
    told = " ".join(result.stderr.split())
    assert "documents refused: orphan, of runs that began before" in told
    assert f"1 runs have not ended yet: {unfinished[:8]}" in told
    assert "No run" in result.stdout


def test_a_run_that_tiled_does_not_have_is_left(replay, publish, from_offset):
    publish(*BlueskyRun(fresh_uid("nowhere")).inline())
    result = replay(*from_offset(0))
    assert result.exit_code == 3
    assert "Not written: nowhere" in " ".join(result.stderr.split())


def test_a_time_is_a_place_in_every_topic_of_the_settings(replay, catalogue, in_both):
    run = in_both(BlueskyRun(fresh_uid("since")))
    later = replay("--from-time", (datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert later.exit_code == 0, later.output
    assert index_of(catalogue, run) == {}
    before = replay("--from-time", (datetime.now() - timedelta(hours=1)).isoformat(timespec="minutes"))  # noqa: DTZ005
    assert before.exit_code == 0, before.output
    assert index_of(catalogue, run)["frames"] == 3


def test_a_place_behind_the_end_is_told_and_nothing_else_is_read(replay, in_both, from_offset, catalogue, monkeypatch):
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "patience", 5.0)  # a minute
    run = in_both(BlueskyRun(fresh_uid("behind")))
    result = replay(*from_offset(10_000))
    assert (result.exit_code, index_of(catalogue, run)) == (1, {}), result.output
    assert "Stopped" in result.stderr


def test_of_two_places_in_one_partition_the_first_counts(replay, in_both, from_offset, catalogue):
    run = in_both(BlueskyRun(fresh_uid("twice")))
    result = replay(*from_offset(0), *from_offset(2))
    assert result.exit_code == 0, result.output
    assert index_of(catalogue, run)["frames"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say one of --from-dead-letters, --from-offset and --from-time"),
        (["--from-dead-letters", "--from-time", "2026-11-22"], "say one of"),
        (["--from-offset", "bluesky:0"], "'bluesky:0' is not TOPIC:PARTITION:OFFSET"),
        (["--from-offset", "bluesky:0:-1"], "no partition or offset has"),
        (["--from-offset", f"bluesky:0:{2**63}"], "no partition or offset has"),
        (["--from-time", "yesterday"], "yesterday"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(replay, arguments, message):
    result = replay(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_topic_that_is_not_there_is_told(replay):
    result = replay("--from-offset", "nobody-writes-here:0:0")
    assert result.exit_code == 1
    assert "nobody-writes-here" in result.stderr
    assert "Run the same command again" in " ".join(result.stderr.split())
