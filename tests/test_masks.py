import numpy as np
import pytest

from camsortxs.masks import bad_pixels


@pytest.fixture
def lit(rng):
    return rng.poisson(5.0, size=(200, 180)).astype(np.int32)


def test_sentinels_of_integer_types(lit):
    lit[3, 4], lit[5, 6], lit[7, 8] = -1, -2, np.iinfo(np.int32).max

    assert set(zip(*np.nonzero(bad_pixels(lit)), strict=True)) == {(3, 4), (5, 6), (7, 8)}


@pytest.mark.parametrize("value", [2**32 - 1, 2**32 - 2])
def test_the_top_of_uint32_marks_gaps_and_dead_pixels(lit, value):
    image = lit.astype(np.uint32)
    image[3, 4] = value

    assert np.argwhere(bad_pixels(image)).tolist() == [[3, 4]]


def test_the_negatives_of_a_dark_subtracted_image_are_noise(rng):
    image = rng.normal(0.0, 20.0, size=(200, 200)).astype(np.float32)
    image[0, 0] = np.nan

    assert np.argwhere(bad_pixels(image)).tolist() == [[0, 0]]


def test_minus_one_in_a_gap_of_a_float_image_is_bad(lit):
    image = lit.astype(np.float32)
    image[:, 90:97] = -1

    assert bad_pixels(image).sum() == 7 * 200


def test_gaps_that_are_written_as_zero_are_found_by_shape(lit):
    lit += 1
    lit[90:107] = 0
    lit[:, 50:57] = 0

    bad = bad_pixels(lit)

    assert bad[90:107].all()
    assert bad[:, 50:57].all()
    assert bad.sum() == 17 * 180 + 7 * 200 - 17 * 7


def test_lines_that_are_dark_by_chance_are_not_gaps(rng):
    faint = rng.poisson(0.01, size=(400, 300)).astype(np.int32)

    assert (faint.sum(axis=1) == 0).any()
    assert not bad_pixels(faint).any()


def test_the_dark_half_below_a_horizon_is_not_a_gap(lit):
    lit[120:] = 0

    assert not bad_pixels(lit).any()


def test_a_wide_shadow_is_not_a_gap(lit):
    lit[80:125] = 0

    assert not bad_pixels(lit).any()


def test_outside_a_round_detector(rng):
    rows, columns = np.mgrid[:200, :200]
    radius = np.hypot(rows - 99.5, columns - 99.5)
    image = np.where(radius <= 100, rng.poisson(50.0, size=(200, 200)), 0).astype(np.uint16)

    bad = bad_pixels(image)

    assert bad[radius > 101].all()
    assert not bad[radius < 97].any()


@pytest.mark.parametrize(
    ("name", "detector"), [("saxs/*AgBe.tif.gz", "Pilatus1M"), ("waxs/*Pilatus2M.hdf5", "Pilatus2M")]
)
def test_the_masks_of_real_frames_contain_the_gaps_that_pyfai_knows(real_frames, name, detector):
    from pyFAI.detectors import detector_factory

    from camsortxs.adapters.folder import FolderFrames

    (path,) = real_frames.glob(name)
    (frame,) = [frame for batch in FolderFrames(paths=[path]).batches() for frame in batch.frames]
    gaps = detector_factory(detector).mask.astype(bool)

    assert frame.mask[gaps].mean() > 0.999
    assert (frame.mask & ~gaps).mean() < 0.01
