import numpy as np
import pytest

from camsortxs.errors import ModelError
from camsortxs.features.embedding import PICTURE_SIDE
from camsortxs.offline.dataset import LabelledFrame, target_of
from camsortxs.offline.embedding.pictures import (
    Pictures,
    batches,
    read_pictures,
    shown,
    split,
)
from camsortxs.techniques import Technique


@pytest.fixture
def pictures(rng) -> Pictures:
    count = 60
    images = rng.integers(1, 255, (count, PICTURE_SIDE, PICTURE_SIDE)).astype(np.uint8)
    groups = np.array([f"g{i % 10}" for i in range(count)])
    return Pictures(images=images, labels=np.arange(count) % 4, groups=groups)


def test_no_group_is_in_two_parts_and_no_picture_in_none(pictures):
    parts = split(pictures, seed=1)
    groups = [set(part.groups.tolist()) for part in parts]

    assert sum(len(part.labels) for part in parts) == 60
    assert set.union(*groups) == set(pictures.groups.tolist())
    assert sum(map(len, groups)) == 10
    assert len(parts[0].labels) > 30


def test_the_split_follows_the_seed(pictures):
    assert split(pictures, 1)[2].digest == split(pictures, 1)[2].digest
    assert len({split(pictures, seed)[2].digest for seed in range(4)}) > 1


def test_two_groups_cannot_be_split(pictures):
    with pytest.raises(ModelError, match="2 groups cannot be split"):
        split(pictures.at(np.flatnonzero(np.isin(pictures.groups, ["g0", "g1"]))), 1)


def test_an_epoch_shows_each_picture_once_turned_or_mirrored_but_never_otherwise(pictures, monkeypatch):
    monkeypatch.setattr("camsortxs.offline.embedding.pictures._GAIN", 0.0)
    turned = {}
    for place, image in enumerate(shown(pictures.images)[..., 0]):
        for turn in range(4):
            for mirror, way in ((False, np.rot90(image, turn)), (True, np.rot90(image, turn)[:, ::-1])):
                turned[np.ascontiguousarray(way).tobytes()] = (place, turn, mirror)
    seen = []
    for images, aims in batches(pictures, 16, np.random.default_rng(3)):
        for image, aim in zip(np.round(images[..., 0] * 255) / np.float32(255), aims, strict=True):
            place, turn, mirror = turned[image.astype(np.float32).tobytes()]
            assert aim.argmax() == pictures.labels[place]
            seen.append((place, turn, mirror))

    assert sorted(place for place, _, _ in seen) == list(range(60))
    assert len({(turn, mirror) for _, turn, mirror in seen}) == 8


def test_light_varies_and_stays_on_the_scale(pictures):
    images = np.concatenate([images for images, _ in batches(pictures, 16, np.random.default_rng(3))])

    assert len({float(image.mean()) for image in images}) == 60
    assert images.min() >= 0.0
    assert images.max() <= 1.0
    assert np.abs(images.mean(axis=(1, 2, 3)) - 0.5).max() > 0.02


def test_labelled_frames_keep_label_and_source(make_frame):
    labelled = [
        LabelledFrame(frame=make_frame(0), target=target_of(Technique.SAXS), group="a"),
        LabelledFrame(frame=make_frame(1, grazing=True), target=target_of(Technique.GIWAXS), group="b"),
    ]
    pictures = read_pictures(labelled)
    both = pictures.and_(pictures)

    assert pictures.labels.tolist() == [0, 3]
    assert both.groups.tolist() == ["a", "b", "a", "b"]
    assert len({pictures.digest, both.digest, read_pictures(labelled[:1]).digest}) == 3
