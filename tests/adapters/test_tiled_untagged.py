"""Sweep after sweep over a real Tiled: nothing missed, nothing twice, and not the whole catalogue each time."""

from time import time

import httpx
import numpy as np
import pytest

from camsortxs.adapters.tiled import Bookmark, TiledRuns, TiledSink
from camsortxs.adapters.tiled import pages as pages_module
from camsortxs.adapters.tiled import runs as runs_module
from camsortxs.adapters.tiled.pages import newest, pages
from camsortxs.adapters.tiled.untagged import MAX_REMEMBERED
from camsortxs.errors import SourceError
from camsortxs.pipeline import Pipeline
from camsortxs.testing import tiny_model


@pytest.fixture
def bookmark() -> Bookmark:
    return Bookmark()


@pytest.fixture
def sweep(catalogue, bookmark):
    """Do one sweep; return the runs that it dealt with."""

    def do(**options) -> list[str]:
        ended: list[str] = []
        source = TiledRuns(
            catalogue=catalogue, bookmark=bookmark, opened=lambda uid, start: ended.append(uid), **options
        )
        sink = TiledSink(catalogue, by="back-fill")
        Pipeline(model=tiny_model(), sink=sink).run(source)
        return ended

    return do


@pytest.fixture
def requests(catalogue):
    """Where each request to the server went."""
    asked: list[str] = []
    catalogue.root.context.http_client.event_hooks["request"].append(lambda request: asked.append(request.url.path))
    return asked


IMAGES = np.full((2, 40, 60), 3, dtype=np.int32)


def test_pages_begin_behind_a_cursor(catalogue, begin_raw_run, monkeypatch):
    monkeypatch.setattr(pages_module, "SIZE", 2)
    runs = [begin_raw_run() for _ in range(5)]

    first, *others = pages(catalogue.raw)

    assert [key for key, _ in first.nodes] == runs[:2]
    assert [key for page in others for key, _ in page.nodes] == runs[2:]
    assert [key for page in pages(catalogue.raw, after=first.cursor) for key, _ in page.nodes] == runs[2:]
    assert others[-1].cursor is None


def test_the_newest_node_is_the_cursor_that_leaves_nothing_behind(catalogue, begin_raw_run):
    assert newest(catalogue.raw) is None
    runs = [begin_raw_run() for _ in range(3)]

    assert [key for page in pages(catalogue.raw, after=newest(catalogue.raw)) for key, _ in page.nodes] == []
    second = newest(catalogue.raw, back=2)
    assert [key for page in pages(catalogue.raw, after=second) for key, _ in page.nodes] == runs[2:]
    assert newest(catalogue.raw, back=3) is None


def test_runs_that_end_between_two_sweeps_are_found_by_the_second_one(sweep, bookmark, begin_raw_run):
    runs = [begin_raw_run(frames=IMAGES) for _ in range(2)]
    unfinished = begin_raw_run(frames=IMAGES, complete=False)
    write, documents = begin_raw_run.open
    assert sweep() == runs
    assert sweep() == sweep() == []
    assert list(bookmark.waiting) == [unfinished]
    assert bookmark.cursor is not None  # what follows happens behind it

    write("stop", documents.compose_stop())
    newer = begin_raw_run(frames=IMAGES)

    assert sweep() == [unfinished, newer]
    assert sweep() == []
    assert not bookmark.waiting


def test_a_sweep_that_finds_nothing_asks_three_questions_however_many_runs_there_are(sweep, begin_raw_run, requests):
    for _ in range(4):
        begin_raw_run(frames=IMAGES)
    begin_raw_run(frames=IMAGES, complete=False)
    for _ in range(3):
        sweep()
    requests.clear()

    sweep()

    assert len(requests) == 3
    assert {path.split("/")[3] for path in requests} == {"search"}


def test_the_cursor_stays_before_what_a_database_may_show_late(sweep, bookmark, begin_raw_run, catalogue):
    begin_raw_run(frames=IMAGES)
    begin_raw_run(frames=IMAGES)
    sweep()
    before = newest(catalogue.raw)
    begin_raw_run(frames=IMAGES)

    sweep()

    assert bookmark.cursor == before < newest(catalogue.raw)


def test_a_limited_sweep_leaves_the_rest_to_the_next_ones(sweep, begin_raw_run, monkeypatch):
    monkeypatch.setattr(pages_module, "SIZE", 2)
    runs = [begin_raw_run(frames=IMAGES[:1]) for _ in range(7)]

    assert [sweep(limit=3) for _ in range(4)] == [runs[:3], runs[3:6], runs[6:], []]


def test_a_run_is_left_to_the_live_line_for_as_long_as_it_is_told_to_rest(sweep, begin_raw_run, catalogue):
    run = begin_raw_run(frames=IMAGES)
    assert sweep(rest=600.0) == sweep(rest=600.0) == []

    an_hour_ago = {"stop": {"time": time() - 3600}}
    catalogue.raw[run].patch_metadata(an_hour_ago, content_type="application/merge-patch+json")

    assert sweep(rest=600.0) == [run]


def test_a_run_in_the_hands_of_the_live_line_waits(sweep, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)

    assert sweep(busy=lambda uid: uid == run) == []
    assert sweep() == [run]


def test_what_is_settled_is_not_found_again(sweep, begin_raw_run, bookmark):
    bookmark.settle(begin_raw_run(frames=IMAGES))

    assert sweep() == sweep() == []


@pytest.fixture
def fail_on(monkeypatch):
    """Let Tiled fail on what one run holds, while it still lists that run."""

    def arrange(odd: str, error: httpx.HTTPError) -> None:
        def fail(run):
            if run.metadata["start"]["uid"] == odd:
                raise error
            return found(run)

        found = runs_module.image_arrays
        monkeypatch.setattr(runs_module, "image_arrays", fail)

    return arrange


_REQUEST = httpx.Request("GET", "http://tiled/api/v1/search/raw")


@pytest.mark.parametrize(
    "error",
    [
        httpx.HTTPStatusError("500", request=_REQUEST, response=httpx.Response(500, request=_REQUEST)),
        httpx.ReadTimeout("timed out"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_third_sweep_goes_on_without_a_run_on_which_tiled_always_fails(sweep, begin_raw_run, fail_on, error):
    odd, good = (begin_raw_run(frames=IMAGES) for _ in range(2))
    fail_on(odd, error)

    for _ in range(2):
        with pytest.raises(SourceError):
            sweep()

    assert sweep() == [odd, good]
    assert sweep() == []


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("timed out")], ids=repr)
def test_a_server_that_is_away_is_held_against_no_run(sweep, begin_raw_run, bookmark, fail_on, error):
    fail_on(begin_raw_run(frames=IMAGES), error)

    for _ in range(4):
        with pytest.raises(SourceError, match="cannot be reached"):
            sweep()

    assert not bookmark.settled


def test_a_run_that_was_tagged_since_its_page_came_is_left_alone(catalogue, begin_raw_run, bookmark):
    runs = [begin_raw_run(frames=IMAGES) for _ in range(2)]
    batches = TiledRuns(catalogue=catalogue, bookmark=bookmark).batches()
    next(batches)

    tag = {"camsortxs": {"model": "live@1"}}
    catalogue.raw[runs[1]].patch_metadata(tag, content_type="application/merge-patch+json")

    assert {end.run for batch in batches for end in batch.ended} == {runs[0]}


def test_a_run_without_a_frame_gets_an_index_that_says_so_and_is_not_found_again(sweep, catalogue, begin_raw_run):
    run = begin_raw_run()

    assert sweep() == [run]
    assert catalogue.raw[run].metadata["camsortxs"]["frames"] == 0
    assert sweep() == []


def test_a_run_whose_record_exists_but_whose_index_was_lost_gets_its_index(
    sweep, catalogue, begin_raw_run, monkeypatch
):
    monkeypatch.setattr("camsortxs.adapters.tiled.sink.TAKEOVER_SECONDS", 0.0)  # its maker had the time
    run = begin_raw_run(frames=IMAGES)
    sweep()
    (record,) = catalogue.results.keys()
    catalogue.raw[run].patch_metadata({"camsortxs": None}, content_type="application/merge-patch+json")

    again = TiledRuns(catalogue=catalogue)  # a new bookmark, as after a restart
    sink = TiledSink(catalogue, by="reconciler")
    Pipeline(model=tiny_model(), sink=sink).run(again)

    assert catalogue.raw[run].metadata["camsortxs"]["by"] == "reconciler"
    assert list(catalogue.results.keys()) == [record]


def test_what_a_bookmark_remembers_is_bounded(bookmark):
    for number in range(MAX_REMEMBERED + 5):
        bookmark.wait(str(number))
        bookmark.settle(f"settled {number}")

    assert len(bookmark.waiting) == len(bookmark.settled) == MAX_REMEMBERED
    assert "4" not in bookmark.waiting
    assert "5" in bookmark.waiting
