import numpy as np
import pytest

from camsortxs.signal import no_signal


def test_scattering_is_a_signal(make_frame):
    assert no_signal(make_frame()) is None
    assert no_signal(make_frame(grazing=True)) is None


def test_a_dark_of_a_photon_counter_with_cosmic_hits_is_empty(make_frame, rng):
    image = np.zeros((300, 300), dtype=np.int32)
    image[rng.integers(0, 300, 400), rng.integers(0, 300, 400)] = 2  # 0.4 %, the most that real darks have
    image[7, 9] = 4_194_300  # a hot pixel, as real frames have them

    assert no_signal(make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))) == "empty"


@pytest.mark.parametrize("level", [12.0, 900.0])
def test_an_even_frame_is_flat_whatever_its_level(make_frame, rng, level):
    image = rng.poisson(level, size=(300, 280)).astype(np.uint16)

    assert no_signal(make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))) == "flat"


def test_a_weak_smooth_halo_is_not_flat(make_frame, rng):
    rows, columns = np.mgrid[:300, :280]
    rate = 8.0 + 6.0 * np.exp(-((np.hypot(rows - 150, columns - 300) - 120) ** 2) / 5000)
    image = rng.poisson(rate).astype(np.int32)

    assert no_signal(make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))) is None


def test_the_direct_beam_alone_is_no_signal_but_with_weak_scattering_around_it_is(make_frame, rng):
    alone = np.zeros((300, 300), dtype=np.int32)
    alone[140:150, 140:150] = 1_000_000
    scattering = alone + rng.poisson(0.15, size=alone.shape).astype(np.int32)

    assert no_signal(make_frame(image=alone, mask=np.zeros(alone.shape, dtype=bool))) == "empty"
    assert no_signal(make_frame(image=scattering, mask=np.zeros(alone.shape, dtype=bool))) is None


def test_masked_pixels_never_matter(make_frame):
    mask = np.zeros((120, 100), dtype=bool)
    mask[:60] = True
    frame = make_frame(mask=mask)
    image = frame.image.copy()
    image[mask] = 10**9

    assert no_signal(make_frame(mask=mask, image=image)) == no_signal(frame)


def test_none_of_the_real_frames_is_called_empty(real_frames):
    from camsortxs.adapters.folder import FolderFrames

    empty = [
        str(frame.key)
        for batch in FolderFrames(
            [real_frames / technique for technique in ("saxs", "waxs", "gisaxs", "giwaxs")]
        ).batches()
        for frame in batch.frames
        if no_signal(frame)
    ]

    assert empty == []


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
def test_what_bad_pixels_hold_does_not_matter(make_frame, rng, value):
    image = rng.poisson(50.0, size=(300, 280)).astype(np.float32)
    mask = np.zeros(image.shape, dtype=bool)
    mask[40:60] = True
    image[mask] = value

    assert no_signal(make_frame(image=image, mask=mask)) == "flat"
