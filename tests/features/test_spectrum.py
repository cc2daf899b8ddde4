import numpy as np
import pytest

from camsortxs.features import spectrum
from camsortxs.features.fill import filled
from camsortxs.features.sizes import SPECTRUM_RINGS


def radial_of(standard):
    return dict(zip(spectrum.RADIAL_COLUMNS, spectrum.radial(standard), strict=True))


def wavelet_of(standard):
    return dict(zip(spectrum.WAVELET_COLUMNS, spectrum.wavelet(standard), strict=True))


def rings(standard):
    return spectrum.radial(standard)[:SPECTRUM_RINGS]


def test_the_spectrum_is_the_definition_ring_by_ring(noise):
    pixel = (np.arange(256) + 0.5) / 256
    window = np.outer(np.sin(np.pi * pixel) ** 2, np.sin(np.pi * pixel) ** 2)
    image = noise.image.astype(float)
    image -= np.average(image, weights=window)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(256), np.arange(256)) / 256)
    power = np.abs(waves @ (image * window) @ waves) ** 2
    cycles = np.minimum(np.arange(256), 256 - np.arange(256))
    f = np.hypot(cycles[:, None], cycles)
    expected = [np.log10(power[(f > 4 * k) & (f <= 4 * k + 4)].mean() / power.mean()) for k in range(32)]

    assert rings(noise) == pytest.approx(expected, abs=1e-6)
    assert radial_of(noise)["rms"] == pytest.approx(np.average(image**2, weights=window**2) ** 0.5)


def test_noise_is_white_and_smooth_patterns_are_steep(noise, standard_from, round_pattern):
    assert np.abs(rings(noise)[1:]).max() < 0.15
    assert abs(radial_of(noise)["slope"]) < 0.1
    assert radial_of(standard_from(round_pattern))["slope"] < -2.0


@pytest.mark.parametrize("shape", [(256, 256), (180, 256), (256, 101)])
@pytest.mark.parametrize("cycles", [10, 42, 86])
def test_waves_are_found_at_their_frequency_whatever_direction_and_aspect(standard_from, shape, cycles):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for along in (rows, columns, 0.6 * rows + 0.8 * columns):
        image = np.exp(1 + np.sin(2 * np.pi * cycles * along / 256))
        assert np.argmax(rings(standard_from(image))) == cycles // 4


def test_a_turned_frame_has_the_same_spectrum(standard_from, rng, round_pattern):
    image = rng.poisson(round_pattern)

    turned = spectrum.radial(standard_from(np.rot90(image).copy()))
    assert turned == pytest.approx(spectrum.radial(standard_from(image)), abs=1e-5)


def test_gaps_hardly_show_in_spectrum_and_wavelet(standard_from, rng, round_pattern, gaps):
    image = rng.poisson(round_pattern)
    whole, with_gaps = standard_from(image), standard_from(image, gaps)

    assert np.abs(rings(with_gaps) - rings(whole)).mean() < 0.06
    assert spectrum.wavelet(with_gaps) == pytest.approx(spectrum.wavelet(whole), rel=0.15, abs=0.002)


def test_the_wavelet_is_that_of_pywavelets(noise):
    import pywt

    _, *details = pywt.wavedec2(noise.image.astype(float), "haar")

    found = wavelet_of(noise)
    for level, ways in zip(range(8, 0, -1), details, strict=True):
        for way, coefficients in zip(("horizontal", "vertical", "diagonal"), ways, strict=True):
            assert found[f"l{level}.{way}"] == pytest.approx(float((coefficients**2).sum()) ** 0.5 / 256)
    assert sum(value**2 for value in found.values()) == pytest.approx(float(noise.image.astype(float).var()))


@pytest.mark.parametrize("level", [1, 2, 5])
def test_stripes_have_one_length_and_one_way(standard_from, level):
    width = 2 ** (level - 1)
    stripes = np.tile(np.repeat([1.0, 1000.0], width), (256, 128 // width))

    for image, way in ((stripes, "vertical"), (stripes.T.copy(), "horizontal")):
        found = wavelet_of(standard_from(image))
        assert {name for name, value in found.items() if value > 1e-6} == {f"l{level}.{way}"}


def test_details_without_a_valid_pixel_do_not_count(standard_from, rng):
    """The same noise seen in one quarter is as rough as in all of the frame, at lengths that fit in there."""
    image = rng.integers(0, 1000, (256, 256))
    mask = np.ones((256, 256), dtype=bool)
    mask[64:192, 64:192] = False
    part, whole = standard_from(image, mask), standard_from(image)

    assert np.ptp(filled(part)[:32]) < 0.3 * np.ptp(part.image)
    assert spectrum.wavelet(part)[:9] == pytest.approx(spectrum.wavelet(whole)[:9], rel=0.1)


@pytest.mark.parametrize("image", [np.zeros((64, 64)), np.full((100, 300), 7.5), np.ones((1, 1))])
def test_frames_without_structure_have_a_white_spectrum_and_no_details(standard_from, image):
    standard = standard_from(image)

    assert np.abs(spectrum.radial(standard)).max() < 1e-3
    assert spectrum.wavelet(standard).max() < 1e-6
