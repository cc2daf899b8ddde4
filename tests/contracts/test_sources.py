"""What every source keeps to: the fake, files, and archived runs in a real Tiled over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.tiled import TiledRuns
from camsortxs.frames import Batch, FrameKey, RunEnd, Source
from camsortxs.testing import ListSource

COUNT = 5


@dataclass(frozen=True, kw_only=True)
class Kit:
    """Makes a source of one run with the given images, afresh each time."""

    source: Callable[[np.ndarray], Source]


@pytest.fixture(params=["list", "folder", "tiled"])
def kit(request, make_frame, tmp_path) -> Iterator[Kit]:
    if request.param == "tiled":
        yield from _tiled(request.getfixturevalue("catalogue"), request.getfixturevalue("begin_raw_run"))
    else:
        yield from {"list": _list, "folder": _folder}[request.param](make_frame, tmp_path)


def _list(make_frame, tmp_path) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        frames = tuple(
            make_frame(
                image=image,
                mask=np.zeros(image.shape, dtype=bool),
                key=FrameKey(run="run", stream="primary", data_key="pilatus", index=i),
            )
            for i, image in enumerate(images)
        )
        return ListSource(contents=[Batch(frames=frames[:2]), Batch(frames=frames[2:], ended=(RunEnd(run="run"),))])

    yield Kit(source=source)


def _folder(make_frame, tmp_path) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        np.save(tmp_path / "scan.npy", images)
        return FolderFrames(paths=[tmp_path], batch=2)

    yield Kit(source=source)


def _tiled(catalogue, begin_raw_run) -> Iterator[Kit]:
    def source(images: np.ndarray) -> Source:
        begin_raw_run(frames=images)
        return TiledRuns(catalogue=catalogue, batch=2)

    yield Kit(source=source)


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.poisson(7.0, size=(COUNT, 40, 60)).astype(np.int32)


def test_each_image_comes_once_as_it_is(kit, images):
    frames = [frame for batch in kit.source(images).batches() for frame in batch.frames]

    assert [frame.key.index for frame in frames] == list(range(COUNT))
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, images, strict=True))
    assert len({frame.key for frame in frames}) == COUNT


def test_the_run_ends_once_and_after_its_last_frame(kit, images):
    batches = list(kit.source(images).batches())

    (end,) = [end for batch in batches for end in batch.ended]
    assert batches[-1].ended == (end,)
    assert {frame.key.run for batch in batches for frame in batch.frames} == {end.run}


def test_every_batch_can_be_acknowledged(kit, images):
    for batch in kit.source(images).batches():
        batch.acknowledge()


@pytest.mark.parametrize("kit", ["folder", "tiled"], indirect=True)  # a list holds frames that exist already
def test_a_frame_without_a_valid_pixel_is_refused_and_the_others_come(kit, images):
    images = images.astype(np.float64)
    images[2] = np.nan

    batches = list(kit.source(images).batches())

    assert [item.reason for batch in batches for item in batch.rejected] == ["all_bad"]
    assert [frame.key.index for batch in batches for frame in batch.frames] == [0, 1, 3, 4]
