import numpy as np
import pytest

from camsortxs.frames import Frame, FrameKey
from camsortxs.offline import augment
from camsortxs.offline.augment import augmented

SEEDS = range(60)


def make_frame(dtype=np.int32, shape=(420, 400), bad=True) -> Frame:
    """A bright spot off the middle, on a background of its own in each quarter."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    rate = 3000.0 / (1 + np.hypot(rows - 150, columns - 220) / 9) ** 2 + 4 + 8 * (rows > 200) + 2 * (columns > 200)
    image = np.random.default_rng(0).poisson(rate).astype(dtype)
    mask = np.zeros(shape, bool)
    if bad:
        mask[90:97] = True
        image[90:97] = -1
    return Frame(key=FrameKey(run="r", stream="s", data_key="d", index=3), image=image, mask=mask)


def test_a_copy_is_the_same_for_the_same_seed_and_another_for_another():
    frame = make_frame()
    first, again = augmented(frame, seed=5), augmented(frame, seed=5)

    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    pictures = {(copy.image.shape, copy.image.tobytes()) for copy in (augmented(frame, seed=seed) for seed in SEEDS)}
    assert len(pictures) > 50
    assert len({augmented(frame, seed=seed).key.run for seed in SEEDS}) == len(SEEDS), "no two copies share a key"


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_every_copy_is_a_frame_that_can_be_told(dtype):
    frame = make_frame(dtype)
    before = frame.image.copy()
    for seed in SEEDS:
        copy = augmented(frame, seed=seed)
        good = copy.image[~copy.mask]

        assert copy.image.dtype == dtype
        assert copy.image.shape == copy.mask.shape
        assert min(copy.image.shape) >= 192
        assert (copy.image[copy.mask] == -1).all()
        assert np.isfinite(good).all()
        assert good.min() >= 0
        assert np.count_nonzero(good) > 0.05 * good.size
        assert copy.mask.mean() < 0.7
    assert np.array_equal(frame.image, before), "the frame itself is left as it was"


def test_what_was_bad_is_never_seen():
    """The same frame with other numbers in its bad pixels gives the same copies."""
    frame, other = make_frame(), make_frame()
    other.image[other.mask] = 1_000_000
    for seed in SEEDS:
        assert np.array_equal(augmented(frame, seed=seed).image, augmented(other, seed=seed).image)


def test_binning_keeps_the_photons_and_spreads_bad_pixels():
    image, mask = np.arange(512 * 400, dtype=np.float32).reshape(512, 400), np.zeros((512, 400), bool)
    mask[10, 20] = True
    binned, bad = augment._bin(image, mask, np.random.default_rng(0))

    assert binned.shape == (256, 200)
    assert binned[0, 0] == image[:2, :2].sum()
    assert np.argwhere(bad).tolist() == [[5, 10]]


def test_a_shorter_exposure_has_the_statistics_of_counting():
    image, mask = np.full((300, 300), 900.0, np.float32), np.zeros((300, 300), bool)
    seen = [augment._expose(image, mask, np.random.default_rng(seed))[0] for seed in range(12)]
    shorter = [counts for counts in seen if counts.mean() < 900]

    assert 2 < len(shorter) < 12
    for counts in shorter:
        share = counts.mean() / 900
        assert counts.var() == pytest.approx(counts.mean() * (1 - share), rel=0.05)


def test_the_stop_lies_over_the_beam():
    frame = make_frame(bad=False)
    image, mask = frame.image.astype(np.float32), frame.mask
    stopped, _ = augment._stop(image, mask, np.random.default_rng(1))

    assert stopped[145:155, 215:225].max() < 0.03 * image[145:155, 215:225].max()
    assert np.array_equal(stopped[:, :100], image[:, :100])


def test_the_geometry_is_left_out_and_gaps_are_those_of_a_detector():
    frame = make_frame(bad=False)
    seen = [augment._gaps(frame.image.astype(np.float32), frame.mask, np.random.default_rng(seed))[1] for seed in SEEDS]

    for mask in seen:
        rows, columns = mask.all(axis=1), mask.all(axis=0)
        assert np.array_equal(mask, rows[:, None] | columns[None, :]), "whole rows and columns"
    assert any(mask.any() for mask in seen)
