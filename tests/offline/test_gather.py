"""Frames of any source become one table, whoever computes it, and are computed once."""

import os
from contextlib import closing, nullcontext
from functools import partial

import dask
import numpy as np
import pytest
from support.pieces import Pieces, broken

from camsortxs.errors import ModelError, SourceError
from camsortxs.features.chain import Chain
from camsortxs.offline import cluster as cluster_module
from camsortxs.offline.cache import FeatureCache
from camsortxs.offline.cluster import local_cluster
from camsortxs.offline.featurize import lost
from camsortxs.offline.gather import gather
from camsortxs.offline.pieces import Piece
from camsortxs.offline.spread import spread

FEW = ["histogram.statistics", "glcm.d1"]


@pytest.fixture
def cache(tmp_path):
    with closing(FeatureCache(tmp_path / "features.sqlite")) as opened:
        yield opened


@pytest.fixture
def computed(monkeypatch):
    """The representations of each frame that is featurized, as it is."""
    calls = []
    as_it_is = Chain.featurize

    def featurize(self, frames):
        calls.extend(self.representations for _ in frames)
        return as_it_is(self, frames)

    monkeypatch.setattr(Chain, "featurize", featurize)
    return calls


def bad(how):
    return Piece(name=f"one that {how}", read=partial(broken, how))


def test_rows_come_in_the_order_of_the_sources_with_their_groups():
    gathered = gather([Pieces(4), Pieces(2, origin="simulated")], Chain(FEW))
    dataset = gathered.dataset

    assert dataset.names == Chain(FEW).names
    assert dataset.labels.tolist() == [0, 1, 2, 3, 0, 1]
    assert dataset.groups.tolist() == ["group 0", "group 1", "group 2", "group 0", "group 0", "group 1"]
    assert dataset.origins.tolist() == ["measured"] * 4 + ["simulated"] * 2
    assert "2 simulated frames in 2 groups" in gathered.words
    assert "4 measured frames in 3 groups" in gathered.words


def test_the_second_time_nothing_is_computed(cache, computed):
    first = gather([Pieces(3, keys=True)], Chain(FEW), cache=cache)
    assert len(computed) == 3
    assert first.known == 0

    for pieces in (Pieces(3, keys=True), Pieces(3)):  # by the key of the piece, and by the pixels
        again = gather([pieces], Chain(FEW), cache=cache)
        assert again.dataset.digest == first.dataset.digest
        assert again.known == 3
    assert len(computed) == 3


def test_a_piece_that_is_known_is_not_even_read(cache):
    gather([Pieces(3, keys=True)], Chain(FEW), cache=cache)
    unread = [Piece(name=p.name, read=partial(broken, "fails"), key=p.key) for p in Pieces(3, keys=True).all]

    gathered = gather([Pieces(0, *unread)], Chain(FEW), cache=cache)

    assert gathered.failed == ()
    assert len(gathered.dataset.labels) == 3


def test_another_union_computes_what_is_new_and_in_one_call_a_frame(cache, computed):
    gather([Pieces(2)], Chain(["glcm.d1"]), cache=cache)
    wider = gather([Pieces(2, keys=True)], Chain(["lbp.p8", "glcm.d1", "glcm.d2"]), cache=cache)

    assert computed == [("glcm.d1",)] * 2 + [("lbp.p8", "glcm.d2")] * 2
    assert wider.dataset.digest == gather([Pieces(2)], Chain(["lbp.p8", "glcm.d1", "glcm.d2"])).dataset.digest


def test_a_frame_that_fails_is_told_and_stops_nothing(cache, computed):
    gathered = gather([Pieces(4, bad("fails"), bad("rejects"))], Chain(FEW), cache=cache)

    assert len(gathered.dataset.labels) == 4 + 2
    assert [refused.reason for refused in gathered.failed] == ["empty", "unreadable", "empty"]
    assert gathered.failed[0].origin == {"path": "one that fails"}


def test_a_frame_that_cannot_be_featurized_is_told_too(monkeypatch):
    def featurize(self, frames):
        raise ValueError("no such number")

    monkeypatch.setattr(Chain, "featurize", featurize)
    with pytest.raises(ModelError, match="no such number"):
        gather([Pieces(2)], Chain(FEW))


def test_what_failed_is_tried_again_the_next_time(cache):
    pieces = [Piece(name="one", read=partial(broken, "fails"), key="one")]
    gather([Pieces(1, *pieces)], Chain(FEW), cache=cache)

    assert len(gather([Pieces(1, *pieces)], Chain(FEW), cache=cache).failed) == 1


def test_copies_stay_in_the_group_of_their_frame_and_are_of_measured_frames_alone(cache):
    def run(**more):
        return gather([Pieces(3, keys=True), Pieces(2, origin="simulated")], Chain(FEW), copies=2, **more).dataset

    dataset = run()
    plain = gather([Pieces(3), Pieces(2, origin="simulated")], Chain(FEW)).dataset

    assert dataset.origins.tolist() == ["measured", "augmented", "augmented"] * 3 + ["simulated"] * 2
    for first in (0, 3, 6):
        assert len(set(dataset.groups[first : first + 3])) == 1
        assert len(set(dataset.labels[first : first + 3])) == 1
    assert np.array_equal(dataset.take(dataset.origins != "augmented").values, plain.values)
    assert len(np.unique(dataset.values[:9], axis=0)) > 5  # by chance, some copies are the frame
    assert run(cache=cache).digest == run(cache=cache).digest == dataset.digest
    assert run(seed=7).digest != dataset.digest


def test_more_copies_are_not_mistaken_for_fewer(cache):
    counts = [len(gather([Pieces(2, keys=True)], Chain(FEW), cache=cache, copies=n).dataset.labels) for n in (0, 2, 1)]

    assert counts == [2, 6, 4]


def test_each_piece_is_told_whether_it_was_known_or_not(cache):
    gather([Pieces(3, keys=True)], Chain(FEW), cache=cache)
    steps = []

    gather([Pieces(5, keys=True)], Chain(FEW), cache=cache, step=lambda: steps.append(1))

    assert len(steps) == 5


def test_nothing_at_all_is_an_error():
    with pytest.raises(ModelError, match="no frame to learn from"):
        gather([Pieces(0)], Chain(FEW))


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster with one worker; a task that kills it is not tried again."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), local_cluster(1) as started:
        yield started


def test_a_cluster_makes_the_same_table_bit_by_bit(cluster, cache):
    here = gather([Pieces(20, bad("rejects"))], Chain(FEW), copies=1)
    address = cluster.scheduler_address
    there = gather([Pieces(20, bad("rejects"))], Chain(FEW), copies=1, scheduler=address, cache=cache)

    assert there.dataset.digest == here.dataset.digest
    assert there.failed == here.failed
    assert gather([Pieces(20, bad("rejects"))], Chain(FEW), copies=1, cache=cache).known == 42


def test_processes_of_this_machine_make_the_same_table_and_look_into_the_cache(cluster, cache, monkeypatch):
    asked = []
    monkeypatch.setattr(cluster_module, "local_cluster", lambda number: asked.append(number) or nullcontext(cluster))
    here = gather([Pieces(6)], Chain(FEW))
    gather([Pieces(3)], Chain(FEW), cache=cache)

    there = gather([Pieces(6)], Chain(FEW), processes=2, cache=cache)

    assert asked == [2]
    assert there.dataset.digest == here.dataset.digest
    assert there.known == 3


def test_an_item_that_kills_its_worker_is_told_and_stops_nothing(cluster):
    found = spread(
        _square, enumerate(range(12)), lost=lambda item, error: repr(error), scheduler=cluster.scheduler_address
    )

    results = dict(found)
    assert "KilledWorker" in results.pop(5)
    assert results == {place: place**2 for place in range(12) if place != 5}


def test_a_piece_that_was_lost_is_a_failure_by_its_name():
    (refused,) = lost(bad("kills"), RuntimeError("gone")).failed

    assert (refused.reason, refused.message, refused.origin) == ("RuntimeError", "gone", {"path": "one that kills"})


def test_a_mistake_of_ours_is_not_taken_for_a_bad_frame(cluster):
    with pytest.raises(TypeError):
        list(spread(_square, [(0, None)], lost=lambda item, error: None, scheduler=cluster.scheduler_address))


def test_no_more_items_are_under_way_than_the_workers_need(cluster):
    taken, most = 0, 0

    def items():
        nonlocal taken
        for place in range(60):
            taken += 1
            yield place, place + 100

    found = spread(_square, items(), lost=lambda item, error: -1, scheduler=cluster.scheduler_address)
    for done, (place, squared) in enumerate(found):
        most = max(most, taken - done)
        assert squared == (place + 100) ** 2
    assert taken == 60
    assert most <= 6


def _square(number):
    if number == 5:
        os._exit(1)
    return number**2


def test_a_scheduler_out_of_reach_is_said():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(SourceError, match="no Dask scheduler at"),
    ):
        gather([Pieces(1)], Chain(FEW), scheduler="tcp://127.0.0.1:9")
