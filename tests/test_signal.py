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

    assert no_signal(make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))) == "dark"


def test_the_track_of_a_particle_is_no_beam(make_frame):
    image = np.zeros((300, 300), dtype=np.int32)
    image[40, 50:62] = 3

    assert no_signal(make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))) == "dark"


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

    assert no_signal(make_frame(image=alone, mask=np.zeros(alone.shape, dtype=bool))) == "direct_beam"
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


@pytest.mark.parametrize("value", [np.int32(7), np.uint16(4095), np.uint16(65533), np.uint8(255), np.float32(0.1)])
@pytest.mark.parametrize("shape", [(300, 280), (32, 40)])
def test_a_frame_of_a_single_value_is_flat_even_with_a_hot_pixel(make_frame, value, shape):
    image = np.full(shape, value)
    mask = np.zeros(shape, dtype=bool)
    mask[0] = True

    assert no_signal(make_frame(image=image, mask=mask)) == "flat"
    if shape[0] > 48:  # nine blocks
        image[7, 9] = 254
        assert no_signal(make_frame(image=image, mask=mask)) == "flat"


def test_peaks_on_a_background_of_a_single_value_are_a_signal(make_frame):
    image = np.full((300, 280), 7, dtype=np.int32)
    for row, column in ((40, 50), (40, 200), (140, 50), (140, 200), (230, 50), (230, 200), (250, 100), (90, 120)):
        image[row : row + 3, column : column + 3] = 90  # in 8 of 306 blocks: the quartiles see nothing of them

    assert no_signal(make_frame(image=image, mask=np.zeros(image.shape, dtype=bool))) is None


@pytest.mark.parametrize("shape", [(64, 64), (48, 40), (20, 20)])
def test_small_frames_with_structure_have_a_signal(make_frame, rng, shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = rng.poisson(200.0 / (1 + np.hypot(rows, columns) / 6) ** 2 + 5).astype(np.int32)

    assert no_signal(make_frame(image=image, mask=np.zeros(shape, dtype=bool))) is None


def test_too_few_valid_pixels_show_nothing(make_frame, rng):
    image = rng.poisson(50.0, size=(120, 100)).astype(np.int32)
    mask = np.ones(image.shape, dtype=bool)
    mask[60, 50] = False

    assert no_signal(make_frame(image=image, mask=mask)) == "few_pixels"
    assert no_signal(make_frame(image=image[:1, :1], mask=np.zeros((1, 1), dtype=bool))) == "few_pixels"
    mask[50:65, 40:57] = False  # 15 x 17
    assert no_signal(make_frame(image=image, mask=mask)) == "few_pixels"
    mask[50:66, 40:56] = False
    assert no_signal(make_frame(image=image, mask=mask)) is None
