"""The exactly-once line against a real Tiled over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from support.leftovers import LEAVES_SOCKETS, collect_sockets
from support.outcomes import MODEL, whole_run

from camsortxs import derived
from camsortxs.adapters.retry import RetryingSink
from camsortxs.adapters.tiled import Catalogue, TiledSink
from camsortxs.adapters.tiled import sink as sink_module
from camsortxs.errors import SinkRejected, SinkUnavailable
from camsortxs.frames import FrameKey, Rejected, RunEnd
from camsortxs.records import Opinion
from camsortxs.techniques import Technique


def index_of(catalogue: Catalogue, run: str) -> dict:
    return catalogue.raw[run].metadata.get("camsortxs", {})


def test_the_index_names_the_technique_in_the_form_of_scicat(catalogue, begin_raw_run):
    run = begin_raw_run()

    TiledSink(catalogue, by="agent").write(whole_run(run))

    index = index_of(catalogue, run)
    assert index["technique"] == "GISAXS"
    assert index["techniques"] == [{"pid": "http://purl.org/pan-science/PaNET/PaNET01162", "name": "GISAXS"}]
    assert (index["model"], index["by"], index["probability"]) == (MODEL, "agent", 0.97)
    assert catalogue.raw[run].metadata["stop"]["run_start"] == run


def test_the_record_is_a_derived_run_found_by_the_raw_uid(catalogue, begin_raw_run):
    from tiled.queries import Eq

    run = begin_raw_run()

    TiledSink(catalogue, by="agent").write(whole_run(run))

    (record,) = catalogue.results.search(Eq("start.raw_uid", run)).values()
    assert record.metadata["stop"]["camsortxs"]["technique"] == "GISAXS"
    assert list(record["primary"]["p_GISAXS"].read()) == [0.97]


def test_a_row_tells_when_its_frame_was_named_and_the_record_by_which_threshold(catalogue, begin_raw_run):
    run = begin_raw_run()
    outcome = whole_run(run)
    taken_at = datetime(2026, 11, 29, tzinfo=UTC)
    named = replace(outcome.records[0], taken_at=taken_at, concluded_at=taken_at.timestamp() + 0.25)

    TiledSink(catalogue, by="agent").write(replace(outcome, records=(named,)))

    record = next(iter(catalogue.results.values()))
    assert list(record["primary"]["latency"].read()) == [0.25]
    assert record.metadata["start"]["threshold"] == 0.6


def test_a_record_tells_what_a_challenger_said_and_the_index_does_not(catalogue, begin_raw_run):
    run = begin_raw_run()
    outcome = whole_run(run)
    (record,) = outcome.records
    other = replace(record.prediction, technique=Technique.WAXS, decided=Technique.WAXS, probabilities=(0, 1, 0, 0))
    beside = replace(record, challenger=Opinion(model="new@1.0.0", prediction=other))

    TiledSink(catalogue, by="agent").write(replace(outcome, records=(beside,)))

    table = next(iter(catalogue.results.values()))["primary"]
    assert [
        list(table[name].read()) for name in ("technique", "challenger", "challenger_decided", "challenger_p_WAXS")
    ] == [
        ["GISAXS"],
        ["new@1.0.0"],
        ["WAXS"],
        [1.0],
    ]
    assert "new@1.0.0" not in str(index_of(catalogue, run))
    assert index_of(catalogue, run)["technique"] == "GISAXS"


def test_a_second_writer_of_the_same_run_adds_no_record_and_no_revision(catalogue, begin_raw_run):
    run = begin_raw_run()

    for by in ("agent", "agent", "back-fill"):
        TiledSink(catalogue, by=by).write(whole_run(run))

    assert len(catalogue.results) == 1
    assert len(catalogue.raw[run].metadata_revisions[:]) == 1  # what stood there before the one write
    assert index_of(catalogue, run)["by"] == "agent"


def test_of_two_who_conclude_a_run_at_once_the_maker_of_the_record_writes_the_index(catalogue, begin_raw_run):
    run = begin_raw_run(complete=False)
    maker, second = TiledSink(catalogue, by="agent"), TiledSink(catalogue, by="reconciler", yielding=True)
    for sink in (maker, second):  # both have come as far as the index
        with pytest.raises(SinkUnavailable, match="is not complete"):
            sink.write(whole_run(run))
    write, documents = begin_raw_run.open
    write("stop", documents.compose_stop())

    with pytest.raises(SinkUnavailable, match="is being written"):
        second.write(whole_run(run))
    before = len(catalogue.raw[run].metadata_revisions[:])
    maker.write(whole_run(run))
    second.write(whole_run(run))

    assert index_of(catalogue, run)["by"] == "agent"
    assert len(catalogue.raw[run].metadata_revisions[:]) == before + 1


def test_a_maker_whose_check_failed_is_still_the_maker(catalogue, begin_raw_run, monkeypatch):
    class Failing(sink_module.TiledWriter):
        """Writes all, and has Tiled go away right after it."""

        def __call__(self, name, document):
            super().__call__(name, document)
            if name == "stop":
                raise TimeoutError

    run = begin_raw_run()
    sink = TiledSink(catalogue, by="agent")
    with monkeypatch.context() as away:
        away.setattr(sink_module, "TiledWriter", Failing)
        with pytest.raises(SinkUnavailable, match="cannot be reached"):
            sink.write(whole_run(run))

    sink.write(whole_run(run))  # at once, not in ten seconds

    assert index_of(catalogue, run)["by"] == "agent"


def test_the_index_of_a_maker_who_died_before_it_is_written_by_the_next(catalogue, begin_raw_run, monkeypatch):
    run = begin_raw_run(complete=False)
    with pytest.raises(SinkUnavailable, match="is not complete"):
        TiledSink(catalogue, by="agent").write(whole_run(run))
    write, documents = begin_raw_run.open
    write("stop", documents.compose_stop())
    monkeypatch.setattr(sink_module, "TAKEOVER_SECONDS", 0.0)

    TiledSink(catalogue, by="reconciler", yielding=True).write(whole_run(run))

    assert index_of(catalogue, run)["by"] == "reconciler"


def test_a_human_label_and_other_peoples_keys_survive(catalogue, begin_raw_run):
    run = begin_raw_run()
    theirs = {"camsortxs": {"human": {"technique": "GIWAXS"}}, "sample": {"name": "P3HT"}}
    catalogue.raw[run].patch_metadata(theirs, content_type="application/merge-patch+json")

    TiledSink(catalogue, by="agent").write(whole_run(run))

    metadata = catalogue.raw[run].metadata
    assert metadata["camsortxs"]["human"] == {"technique": "GIWAXS"}
    assert metadata["camsortxs"]["technique"] == "GISAXS"
    assert metadata["sample"] == {"name": "P3HT"}


def test_nothing_is_written_on_a_run_that_tiled_does_not_show_as_complete(catalogue, begin_raw_run):
    run = begin_raw_run(complete=False)
    sink = TiledSink(catalogue, by="agent", patience=3.0)

    with pytest.raises(SinkUnavailable) as refusal:
        sink.write(whole_run(run))

    assert refusal.value.patience == 3.0
    assert index_of(catalogue, run) == {}

    write, documents = begin_raw_run.open
    write("stop", documents.compose_stop())
    sink.write(whole_run(run))
    assert index_of(catalogue, run)["technique"] == "GISAXS"


def of_frames(outcome, count, model=MODEL):
    (record,) = outcome.records
    keys = [replace(record.key, index=index) for index in range(count)]
    records = tuple(replace(record, model=model, prediction=replace(record.prediction, key=key)) for key in keys)
    return replace(outcome, model=model, records=records)


def test_a_reading_renews_record_and_index_when_it_found_more_frames_and_not_otherwise(catalogue, begin_raw_run):
    run = begin_raw_run()
    outcome = whole_run(run)
    longer = of_frames(outcome, 2)
    waxs = whole_run(run, Technique.WAXS)

    def found(*outcomes):
        for each in outcomes:
            TiledSink(catalogue, by="replay", renew=True).write(each)
        (record,) = catalogue.results.values()
        index = index_of(catalogue, run)
        return list(record["primary"]["raw_index"].read()), index["frames"], index["technique"]

    assert found(outcome, waxs) == ([0], 1, "GISAXS")
    assert found(longer, outcome, waxs) == ([0, 1], 2, "GISAXS")


def test_a_record_that_a_dead_agent_left_half_written_is_written_anew(catalogue, begin_raw_run, monkeypatch):
    run = begin_raw_run()
    key = derived.record_key(run, MODEL)
    start = derived.start_document(run, MODEL, time=0.0)
    catalogue.results.create_container(key, metadata={"start": start})

    TiledSink(catalogue, by="agent").write(whole_run(run))

    assert "stop" in catalogue.results[key].metadata
    assert list(catalogue.results[key]["primary"]["raw_index"].read()) == [0]


def test_a_record_in_the_hands_of_another_agent_is_waited_for(catalogue, begin_raw_run):
    run = begin_raw_run()
    key = derived.record_key(run, MODEL)
    start = derived.start_document(run, MODEL, time=sink_module.time())
    catalogue.results.create_container(key, metadata={"start": start})

    with pytest.raises(SinkUnavailable, match="is being written"):
        TiledSink(catalogue, by="agent").write(whole_run(run))

    assert "primary" not in catalogue.results[key]


def test_a_record_with_rows_twice_is_written_anew(catalogue, begin_raw_run, monkeypatch):
    class Stuttering(sink_module.TiledWriter):
        """Writes every event twice, as a retried append does."""

        stutters = True

        def __call__(self, name, document):
            super().__call__(name, document)
            if name == "event" and Stuttering.stutters:
                super().__call__(name, document)

    monkeypatch.setattr(sink_module, "TiledWriter", Stuttering)
    run = begin_raw_run()
    sink = TiledSink(catalogue, by="agent")

    with pytest.raises(SinkUnavailable, match="2 rows for 1 frames"):
        sink.write(whole_run(run))
    Stuttering.stutters = False
    sink.write(whole_run(run))

    (record,) = catalogue.results.values()
    assert list(record["primary"]["raw_index"].read()) == [0]


def test_a_run_whose_every_frame_was_refused_is_tagged_with_the_reasons(catalogue, begin_raw_run):
    run = begin_raw_run()
    key = FrameKey(run=run, stream="primary", data_key="pilatus", index=0)
    refused = Rejected(reason="missing_file", message="no such file", key=key)

    TiledSink(catalogue, by="agent").write(replace(whole_run(run), records=(), rejected=(refused,)))

    index = index_of(catalogue, run)
    assert (index["decided"], index.get("technique")) == ("unknown", None)
    assert index["rejected"] == [{"reason": "missing_file", "count": 1}]
    assert len(catalogue.results) == 0


def test_another_model_replaces_the_conclusion_and_leaves_nothing_of_the_old_one(catalogue, begin_raw_run):
    run = begin_raw_run()
    TiledSink(catalogue, by="reconciler").write(whole_run(run))
    (record,) = whole_run(run).records
    unsure = replace(record.prediction, technique=None, decided="unknown", probabilities=(0.25, 0.25, 0.25, 0.25))
    newer = replace(record, prediction=unsure, model="tiny@2")

    TiledSink(catalogue, by="live").write(replace(whole_run(run), model="tiny@2", records=(newer,)))

    index = index_of(catalogue, run)
    assert (index["model"], index["decided"], index["frames"]) == ("tiny@2", "unknown", 1)
    assert "technique" not in index


def rows_of(catalogue, run, model=MODEL):
    return len(catalogue.results[derived.record_key(run, model), "primary", "internal"].read())


def test_a_finished_run_that_a_restart_reads_with_another_model_keeps_its_one_record(catalogue, begin_raw_run):
    run = begin_raw_run()
    TiledSink(catalogue, by="live").write(whole_run(run))
    before = index_of(catalogue, run)
    (record,) = whole_run(run, Technique.SAXS).records
    again = replace(whole_run(run), model="tiny@2", records=(replace(record, model="tiny@2"),))

    TiledSink(catalogue, by="live").write(again)

    assert index_of(catalogue, run) == before
    assert len(catalogue.results) == 1


def test_what_another_model_saw_more_frames_for_is_written(catalogue, begin_raw_run):
    run = begin_raw_run()
    TiledSink(catalogue, by="live").write(whole_run(run))

    TiledSink(catalogue, by="live").write(of_frames(whole_run(run), 2, model="tiny@2"))

    index = index_of(catalogue, run)
    assert (index["model"], index["frames"]) == ("tiny@2", 2)


def test_the_short_record_of_a_run_that_was_given_up_gives_way_to_the_whole_one(catalogue, begin_raw_run):
    run = begin_raw_run(complete=False)
    given_up = replace(whole_run(run), ended=(RunEnd(run=run, exit_status="incomplete"),))
    TiledSink(catalogue, by="live").write(given_up)
    assert rows_of(catalogue, run) == 1
    write, documents = begin_raw_run.open
    write("stop", documents.compose_stop())

    TiledSink(catalogue, by="reconciler", yielding=True).write(of_frames(whole_run(run), 3))

    assert index_of(catalogue, run)["frames"] == rows_of(catalogue, run) == 3


def test_a_run_whose_tag_was_taken_away_is_named_anew_by_whichever_model(catalogue, begin_raw_run):
    run = begin_raw_run()
    TiledSink(catalogue, by="back-fill").write(whole_run(run))
    patch = {derived.INDEX_KEY: {"model": None}}
    catalogue.run(run).patch_metadata(patch, content_type="application/merge-patch+json", drop_revision=False)

    TiledSink(catalogue, by="back-fill").write(of_frames(whole_run(run), 1, model="tiny@2"))

    assert index_of(catalogue, run)["model"] == "tiny@2"


@pytest.mark.parametrize("model", [MODEL, "tiny@2"])
def test_a_run_read_again_after_its_files_have_gone_keeps_its_index(model, catalogue, begin_raw_run):
    run = begin_raw_run()
    outcome = whole_run(run)
    TiledSink(catalogue, by="agent").write(outcome)
    refused = Rejected(reason="missing_file", message="no such file", key=outcome.records[0].key)

    TiledSink(catalogue, by="agent").write(replace(outcome, model=model, records=(), rejected=(refused,)))

    index = index_of(catalogue, run)
    assert (index["model"], index["technique"], index["frames"]) == (MODEL, "GISAXS", 1)


def test_of_a_run_that_tiled_refuses_nothing_is_kept(catalogue, begin_raw_run, monkeypatch):
    sink = TiledSink(catalogue, by="agent")

    def refuse(*_, **__):
        raise SinkRejected("tiled_422", "no")

    monkeypatch.setattr(sink, "_write_record", refuse)
    RetryingSink(sink, forget=sink.forget).write(whole_run(begin_raw_run()))
    assert sink._open == {}


@pytest.mark.parametrize("fault", ["nobody listens", "wrong key"])
@LEAVES_SOCKETS
def test_a_server_that_cannot_be_used_now_is_unavailable(catalogue, begin_raw_run, tiled_server, monkeypatch, fault):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)
    address = "http://127.0.0.1:9" if fault == "nobody listens" else tiled_server.uri
    bad = Catalogue(address=address, api_key=SecretStr("wrong"), raw_path=begin_raw_run.path)

    with pytest.raises(SinkUnavailable):
        TiledSink(bad, by="agent").write(whole_run("a-run"))
    bad.close()
    collect_sockets()


def test_a_run_given_up_has_its_record_and_nobody_waits_for_its_stop(catalogue, begin_raw_run):
    run = begin_raw_run(complete=False)
    outcome = replace(whole_run(run), ended=(RunEnd(run=run, exit_status="incomplete"),))

    TiledSink(catalogue, by="agent").write(outcome)

    assert "stop" in catalogue.results[derived.record_key(run, MODEL)].metadata
    assert index_of(catalogue, run) == {}


def test_a_run_given_up_that_did_stop_in_tiled_has_its_index_too(catalogue, begin_raw_run):
    run = begin_raw_run()
    outcome = replace(whole_run(run), ended=(RunEnd(run=run, exit_status="incomplete"),))

    TiledSink(catalogue, by="agent").write(outcome)

    assert index_of(catalogue, run)["technique"] == "GISAXS"
