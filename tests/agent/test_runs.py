from time import time

import pytest
from support.bluesky_runs import BlueskyRun

from camsortxs.adapters.pixels import FilePixels
from camsortxs.errors import FrameError
from camsortxs.frames import Frame, RunEnd, Unread
from camsortxs_agent.runs import Runs


@pytest.fixture
def runs():
    return Runs(pixels=FilePixels(roots=[]))


def feed(runs, documents, *, place="p", offset=0):
    items = []
    for number, (name, document) in enumerate(documents):
        for item in runs.consume(name, document, place=place, offset=offset + number):
            items += item.read() if isinstance(item, Unread) else [item]
    return items


def reason(runs, document) -> str | None:
    try:
        feed(runs, [document])
    except FrameError as error:
        return error.reason
    return None


def test_a_restart_begins_at_the_oldest_open_run_of_the_place(runs):
    a, b = list(BlueskyRun("a").inline()), list(BlueskyRun("b").inline())
    feed(runs, a[:2], offset=10)
    feed(runs, b, offset=20)
    feed(runs, BlueskyRun("c").inline(), place="q", offset=5)
    assert runs.first_offset("p") == 10
    feed(runs, a[2:], offset=30)
    assert runs.first_offset("p") == 10  # ended, not written
    runs.closer("a")()
    assert runs.first_offset("p") == 20
    runs.closer("b")()
    assert runs.first_offset("p") is None
    assert len(runs) == 1


def test_documents_of_an_unknown_run_are_orphans(runs):
    documents = list(BlueskyRun().inline())
    assert {reason(runs, document) for document in documents[1:]} == {"orphan"}


def test_documents_of_a_closed_run_that_come_again_are_nothing_new(runs):
    documents = list(BlueskyRun().inline())
    feed(runs, documents)
    runs.closer("run")()
    assert feed(runs, documents[1:]) == []


def test_a_run_that_is_sent_again_from_its_start_is_read_again(runs):
    documents = list(BlueskyRun().inline())
    feed(runs, documents)
    runs.closer("run")()
    items = feed(runs, documents, offset=100)
    assert len([item for item in items if isinstance(item, Frame)]) == 3
    assert items[-1] == RunEnd(run="run")
    assert runs.first_offset("p") == 100


def test_a_start_that_comes_twice_does_not_lose_what_was_read(runs):
    documents = list(BlueskyRun().inline())
    assert len(feed(runs, [*documents[:2], documents[0], *documents[2:]])) == 4
    assert runs.first_offset("p") == 0


def test_a_stop_that_comes_twice_ends_the_run_once(runs):
    documents = list(BlueskyRun().inline())
    assert [item for item in feed(runs, [*documents, documents[-1]]) if isinstance(item, RunEnd)] == [RunEnd(run="run")]


def test_what_is_forgotten_is_an_orphan_until_its_start_is_read_again(runs):
    documents = list(BlueskyRun().inline())
    feed(runs, documents[:3])
    runs.forget("p")
    assert runs.first_offset("p") is None
    assert reason(runs, documents[3]) == "orphan"
    assert len(feed(runs, documents)) == 4


def test_a_late_acknowledgement_does_not_close_a_run_that_is_being_read_anew(runs):
    documents = list(BlueskyRun().inline())
    feed(runs, documents)
    close = runs.closer("run")
    runs.forget("p")
    feed(runs, documents[:2], offset=7)
    close()
    assert runs.first_offset("p") == 7


@pytest.mark.parametrize("written", [False, True])
def test_what_comes_of_a_run_that_was_given_up_is_refused_once_and_names_the_run(runs, written):
    *documents, (_, stop) = BlueskyRun().inline()
    feed(runs, documents[:3])
    assert [end.run for end in runs.overdue("p", before=time() + 1)] == ["run"]
    if written:
        runs.closer("run")()
    assert reason(runs, documents[3]) == "late"
    assert runs.run_of(*documents[3]) == "run"
    assert feed(runs, [*documents[3:], ("stop", stop)]) == []


@pytest.mark.parametrize("written", [False, True])
def test_what_hangs_on_a_late_descriptor_is_no_orphan(runs, written):
    documents = list(BlueskyRun().inline())
    feed(runs, documents[:1])
    runs.overdue("p", before=time() + 1)
    if written:
        runs.closer("run")()
    assert reason(runs, documents[1]) == "late"
    assert feed(runs, documents[2:]) == []


def test_that_a_run_is_late_is_said_again_when_its_place_was_lost(runs):
    documents = list(BlueskyRun().inline())
    feed(runs, documents[:3])
    runs.overdue("p", before=time() + 1)
    runs.closer("run")()
    assert reason(runs, documents[3]) == "late"
    runs.forget("p")
    assert reason(runs, documents[3]) == "late"


def test_a_stop_that_is_late_has_lost_nothing(runs):
    *documents, stop = BlueskyRun().inline()
    feed(runs, documents)
    runs.overdue("p", before=time() + 1)
    assert feed(runs, [stop]) == []


def test_an_old_resource_without_a_run_belongs_to_whoever_is_running(runs, tmp_path):
    documents = list(BlueskyRun().resource(tmp_path))
    resource = next(document for name, document in documents if name == "resource")
    del resource["run_start"]
    items = feed(Runs(pixels=FilePixels(roots=[tmp_path], patience=0.0)), documents)
    assert len([item for item in items if isinstance(item, Frame)]) == 3


@pytest.mark.parametrize("name", ["bulk_fax", "", "__init__"])
def test_unknown_documents(runs, name):
    with pytest.raises(FrameError) as caught:
        feed(runs, [(name, {"run_start": "run"})])
    assert caught.value.reason == "unknown_document"


def test_a_run_that_is_too_old_is_given_up_once(runs):
    old, young = list(BlueskyRun("old").inline()), list(BlueskyRun("young").inline())
    for offset, (documents, since) in enumerate([(old, 100.0), (young, 200.0)]):
        list(runs.consume(*documents[0], place="p", offset=offset, time=since))
    feed(runs, old[1:3])
    assert runs.overdue("p", before=100.0) == []
    assert runs.overdue("q", before=1e12) == []
    assert runs.overdue("p", before=150.0) == [RunEnd(run="old", exit_status="incomplete")]
    assert runs.overdue("p", before=150.0) == []
    assert runs.first_offset("p") == 0  # given up, not written
    runs.closer("old")()
    assert runs.first_offset("p") == 1
    assert len(feed(runs, young[1:])) == 4
