import json
import pickle
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from camsortxs.features.chain import Chain
from camsortxs.offline.cache import FORMAT, FeatureCache, digest_of, specs_of

NUMBERS = np.array([1.5, -0.0, 3e-39], dtype=np.float32)


@pytest.fixture
def told():
    return []


@pytest.fixture
def cache(tmp_path, told):
    with FeatureCache(tmp_path / "below" / "features.sqlite", told=told.append) as opened:
        yield opened


def test_the_digest_of_a_frame_follows_its_pixels_and_nothing_else(make_frame):
    frame = make_frame()
    image, mask = frame.image, frame.mask.copy()
    mask[3, 4] = True
    others = [
        make_frame(image=image + 1),
        make_frame(image=image.astype(np.int64)),
        make_frame(image=image.reshape(100, 120), mask=frame.mask.reshape(100, 120)),
        make_frame(image=image, mask=mask),
    ]

    assert len({digest_of(one) for one in (frame, *others)}) == 5
    assert digest_of(frame) == digest_of(make_frame(7, image=np.asfortranarray(image), detector="other"))


def test_a_spec_is_another_when_the_representation_is():
    one, other = specs_of(Chain(["glcm.d1", "lbp.p8"])), specs_of(Chain(["lbp.p8", "glcm.d2"]))

    assert one["lbp.p8"] == other["lbp.p8"]
    assert len({*one.values(), *other.values()}) == 3


def test_what_is_kept_comes_back_bit_by_bit(cache, told):
    cache.keep({"frame": {"a": NUMBERS, "b": NUMBERS[:1]}, "other": {"a": NUMBERS[1:]}})

    found = cache.features("frame", ["a", "c"])
    assert list(found) == ["a"]
    assert found["a"].tobytes() == NUMBERS.tobytes()
    assert cache.features("nobody", ["a"]) == {}
    assert told == []


def test_another_call_finds_what_one_has_kept(cache):
    cache.keep({"frame": {"a": NUMBERS}})
    cache.note("piece", [["frame", [0.5, 0.5, 0, 0], "group", "measured"]])

    with closing(FeatureCache(cache.path)) as other:
        assert other.features("frame", ["a"])["a"].tolist() == NUMBERS.tolist()
        assert other.frames("piece") == [["frame", [0.5, 0.5, 0, 0], "group", "measured"]]
        assert other.frames("another") is None


def test_a_number_that_was_changed_on_disk_is_not_believed(cache):
    cache.keep({"frame": {"a": NUMBERS, "b": NUMBERS}})
    with closing(sqlite3.connect(cache.path)) as file, file:
        file.execute("UPDATE features SET numbers = ? WHERE spec = 'a'", [(NUMBERS + 1).tobytes()])

    assert list(cache.features("frame", ["a", "b"])) == ["b"]


@pytest.mark.parametrize("contents", [b"", b"not a database, and long enough to be one" * 100])
def test_a_file_that_is_no_cache_is_set_aside_or_filled(cache, told, contents):
    cache.path.parent.mkdir()
    cache.path.write_bytes(contents)

    cache.keep({"frame": {"a": NUMBERS}})

    assert list(cache.features("frame", ["a"])) == ["a"]
    aside = list(cache.path.parent.glob("*.damaged-*"))
    assert [path.read_bytes() for path in aside] == ([contents] if contents else [])
    assert len(told) == len(aside)
    assert all("was damaged" in message and str(aside[0]) in message for message in told)


def test_damage_while_it_is_in_use_costs_what_was_in_it_and_nothing_else(cache, told):
    cache.keep({f"frame {i}": {"a": np.arange(500, dtype=np.float32)} for i in range(200)})
    cache.close()
    contents = bytearray(cache.path.read_bytes())
    contents[4096:] = b"\xff" * (len(contents) - 4096)
    cache.path.write_bytes(contents)

    assert cache.features("frame 7", ["a"]) == {}
    cache.keep({"frame 7": {"a": NUMBERS}})
    assert cache.features("frame 7", ["a"])["a"].tolist() == NUMBERS.tolist()
    assert len(told) == 1


def test_the_file_of_another_version_is_set_aside(cache, told):
    cache.keep({"frame": {"a": NUMBERS}})
    cache.close()
    with closing(sqlite3.connect(cache.path)) as file:
        file.execute(f"PRAGMA user_version = {FORMAT + 1}")

    assert cache.features("frame", ["a"]) == {}
    assert f"format {FORMAT + 1}" in told[0]


def test_where_nothing_can_be_written_the_work_goes_on(tmp_path, told):
    (tmp_path / "file").write_text("in the way")
    with FeatureCache(tmp_path / "file" / "features.sqlite", told=told.append) as cache:
        cache.keep({"frame": {"a": NUMBERS}})

        assert cache.features("frame", ["a"]) == {}
        assert cache.frames("piece") is None
    assert len(told) == 1
    assert "without the cache" in told[0]


def test_a_worker_reads_and_leaves_a_damaged_file_alone(cache):
    reader = pickle.loads(pickle.dumps(cache))
    assert reader.features("frame", ["a"]) == {}
    assert not cache.path.exists()

    cache.path.parent.mkdir()
    cache.path.write_bytes(b"damaged " * 1000)
    reader = pickle.loads(pickle.dumps(cache))
    assert reader.features("frame", ["a"]) == {}
    assert cache.path.read_bytes() == b"damaged " * 1000


def test_notes_that_are_not_what_was_written_are_ignored(cache):
    cache.note("piece", [])
    with closing(sqlite3.connect(cache.path)) as file, file:
        file.execute("UPDATE pieces SET frames = '{'")
        file.execute("INSERT INTO pieces VALUES ('other', ?)", [json.dumps({"no": "list"})])

    assert cache.frames("piece") is None
    assert cache.frames("other") is None


def _fill(path, name):
    with closing(FeatureCache(path, told=_fail)) as cache:
        for place in range(60):
            cache.keep({f"{name} {place}": {"a": NUMBERS}, "of both": {name: NUMBERS}})


def _fail(message):
    raise AssertionError(message)


def test_several_processes_write_to_one_file(cache):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_fill, cache.path, name) for name in ("one", "two")]:
            done.result()

    assert all(cache.features(f"{name} {place}", ["a"]) for name in ("one", "two") for place in range(60))
    assert sorted(cache.features("of both", ["one", "two"])) == ["one", "two"]


def test_a_key_of_a_frame_does_not_enter_its_digest(make_frame):
    frame = make_frame()

    assert digest_of(frame) == digest_of(replace(frame, key=replace(frame.key, run="other"), geometry=None))
