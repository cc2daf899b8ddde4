"""Tiled's own notifications as a source: a real server that streams, runs written while we listen."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from pydantic import SecretStr

from camsortxs.adapters.tiled import Bookmark, Catalogue, LiveTiledRuns, TiledRuns, TiledSink
from camsortxs.adapters.tiled import live as live_module
from camsortxs.pipeline import Pipeline
from camsortxs.testing import tiny_model

IMAGES = np.full((2, 40, 60), 3, dtype=np.int32)
LONG = 3600.0

# Tiled 0.2.20 calls websockets 17 as older ones were called.
pytestmark = pytest.mark.filterwarnings("ignore:connect.* must be used as a context manager:DeprecationWarning")


class Ended:
    """An observer that can be waited for."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self._more = threading.Condition()

    def observe(self, outcome) -> None:
        with self._more:
            self.runs += [end.run for end in outcome.ended]
            self._more.notify_all()

    def wait_for(self, number: int) -> list[str]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.runs) >= number, timeout=30), self.runs
            return list(self.runs)


@pytest.fixture
def listening(tiled_server, catalogue):
    """Let the line run in a thread, on connections of its own; yield its source and what ended."""

    @contextmanager
    def start(*, poll: float, **hooks: Callable[..., None]) -> Iterator[tuple[LiveTiledRuns, Ended]]:
        own = Catalogue(
            address=tiled_server.uri,
            api_key=SecretStr(tiled_server.api_key),
            raw_path=catalogue.raw_path,
            results_path=catalogue.results_path,
        )
        mark, ended = Bookmark(), Ended()
        source = LiveTiledRuns(TiledRuns(catalogue=own, bookmark=mark), mark, poll=poll, **hooks)
        sink = TiledSink(own, by="live")
        line = Pipeline(model=tiny_model(), sink=sink, observers=[ended])
        thread = threading.Thread(target=line.run, args=(source,))
        thread.start()
        try:
            yield source, ended
        finally:
            source.stop()
            thread.join(30)
            own.close()
        assert not thread.is_alive()

    return start


def assert_once(catalogue: Catalogue, runs: list[str]) -> None:
    assert sorted(record.metadata["start"]["raw_uid"] for record in catalogue.results.values()) == sorted(runs)
    for run in runs:
        assert catalogue.raw[run].metadata["camsortxs"]["frames"] == 2
        assert len(catalogue.raw[run].metadata_revisions[:]) == 1


def connected(source: LiveTiledRuns) -> None:
    """Wait until the subscription is made: only then does Tiled tell of what happens."""
    subscription = source._subscription
    assert subscription._connected_event.wait(30)


def test_a_run_that_ends_while_we_listen_is_told_at_once_and_dealt_with_once(listening, catalogue, begin_raw_run):
    before = begin_raw_run(frames=IMAGES)
    with listening(poll=LONG) as (source, ended):  # after the first look, nothing but the subscription can tell
        assert ended.wait_for(1) == [before]
        connected(source)

        runs = [before, begin_raw_run(frames=IMAGES), begin_raw_run(frames=IMAGES)]

        assert ended.wait_for(3) == runs
    assert_once(catalogue, runs)
    assert ended.runs == runs  # our own index came back as an update, and asked for nothing


def test_what_others_put_in_place_of_our_index_gives_way(listening, catalogue, begin_raw_run):
    before = begin_raw_run(frames=IMAGES)
    catalogue.raw[before].update_metadata({"camsortxs": "SAXS"})
    with listening(poll=LONG) as (source, ended):
        assert ended.wait_for(1) == [before]
        connected(source)

        after = begin_raw_run(frames=IMAGES, complete=False)
        write, documents = begin_raw_run.open
        catalogue.raw[after].update_metadata({"camsortxs": ["SAXS"]})
        write("stop", documents.compose_stop())

        assert ended.wait_for(2) == [before, after]
    assert [catalogue.raw[run].metadata["camsortxs"]["frames"] for run in (before, after)] == [2, 2]


def test_a_subscription_that_dies_is_begun_again_and_the_gap_is_swept(listening, catalogue, begin_raw_run):
    begun: list[None] = []
    first = begin_raw_run(frames=IMAGES)
    with listening(poll=0.5, subscribed=lambda: begun.append(None)) as (source, ended):
        assert ended.wait_for(1) == [first]
        connected(source)
        source._subscription.disconnect()

        second = begin_raw_run(frames=IMAGES)
        assert ended.wait_for(2) == [first, second]
        third = begin_raw_run(frames=IMAGES)
        assert ended.wait_for(3) == [first, second, third]
    assert len(begun) >= 2
    assert_once(catalogue, [first, second, third])


def test_an_update_that_is_too_long_costs_the_subscription_and_no_run(listening, catalogue, begin_raw_run, monkeypatch):
    monkeypatch.setattr(live_module, "MAX_BYTES", 2_000)
    begun: list[None] = []
    with listening(poll=0.5, subscribed=lambda: begun.append(None)) as (_, ended):
        runs = [begin_raw_run(frames=IMAGES, remarks="x" * 5_000) for _ in range(2)]
        assert sorted(ended.wait_for(2)) == sorted(runs)
    assert_once(catalogue, runs)


def test_a_server_that_does_not_stream_is_looked_at_instead(listening, catalogue, begin_raw_run, monkeypatch):
    def refuse(self):
        raise OSError("there is no streaming cache on this server")

    monkeypatch.setattr("tiled.client.stream.Subscription.start", lambda self, **options: refuse(self))
    with listening(poll=0.2) as (_, ended):
        runs = [begin_raw_run(frames=IMAGES) for _ in range(2)]
        assert sorted(ended.wait_for(2)) == sorted(runs)
    assert_once(catalogue, runs)


def test_a_server_out_of_reach_is_waited_for(monkeypatch):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)
    mark, told = Bookmark(), threading.Event()
    nowhere = Catalogue(address="http://127.0.0.1:9")
    heard: list[bool] = []

    def ready(is_ready: bool) -> None:
        heard.append(is_ready)
        told.set()

    source = LiveTiledRuns(TiledRuns(catalogue=nowhere, bookmark=mark), mark, poll=0.1, ready=ready)
    thread = threading.Thread(target=lambda: list(source.batches()))
    thread.start()
    assert told.wait(30)
    source.stop()
    thread.join(30)

    assert heard[0] is False
    assert not thread.is_alive()
