import numpy as np
import pytest
from scipy import stats

from camsortxs.simulate import kernels
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.detectors import DETECTORS, Detector
from camsortxs.simulate.exposure import expose


@pytest.mark.parametrize("mean", [0.01, 0.3, 2.0, 5.0, 11.9])
def test_few_counts_are_the_poisson_quantiles_themselves(rng, mean):
    chance = rng.random((200, 300), dtype=np.float32)

    counts = kernels.counts(np.full(chance.shape, mean, np.float32), chance)

    # Where the distribution steps, float32 may fall to either side.
    assert np.mean(counts == stats.poisson.ppf(chance, np.float32(mean))) > 0.9999


@pytest.mark.parametrize("mean", [12.5, 30.0, 300.0, 1e5])
def test_many_counts_have_the_mean_and_the_variance_of_poisson(rng, mean):
    chance = rng.random((700, 700), dtype=np.float32)

    counts = kernels.counts(np.full(chance.shape, mean, np.float32), chance).astype(float)

    error = np.sqrt(mean / counts.size)
    assert abs(counts.mean() - mean) < 1e-3 * mean + 4 * error
    assert counts.var() / mean == pytest.approx(1.0, abs=0.008)
    assert stats.skew(counts.ravel()) == pytest.approx(mean**-0.5, abs=0.02)


def test_the_exposed_counts_are_poisson(rng):
    light = np.full((400, 400), 7.0, np.float32)

    image, mask = expose(light, Detector(name="open", shape=(400, 400), pixel=1e-4),
                         Chance(1, "test", 0), counts=5.0)  # fmt: skip

    lit = image[~mask & (image < 60)]
    assert lit.mean() == pytest.approx(5.0, rel=0.03)
    # A flat field of up to 3 % adds to the variance of the counts themselves.
    assert 0.95 < lit.var() / lit.mean() < 1.05 + 0.03**2 * 5.0


def test_gaps_hold_what_counters_write_into_them():
    detector = DETECTORS["Pilatus 300k"]

    values = set()
    for index in range(20):
        image, mask = expose(np.ones(detector.shape, np.float32), detector, Chance(2, "test", index), counts=50.0)
        assert mask[detector.gaps()].all()
        values.add(int(image[200, 3]))

    assert values == {-1, 0, -2}


def test_a_round_plate_is_dark_outside_its_disc():
    detector = DETECTORS["MarCCD 165"]

    image, mask = expose(np.ones((256, 256), np.float32), detector, Chance(1, "test", 0), counts=50.0)

    assert mask[0, 0]
    assert not mask[128, 128]
    assert image[0, 0] == 0


def test_integrators_are_rarely_overexposed():
    light = np.geomspace(1.0, 1e4, 256 * 256).astype(np.float32).reshape(256, 256)
    shares = [
        np.mean(expose(light, DETECTORS["CCD 2048"], Chance(3, "test", i), counts=1e4)[0] >= 65535) for i in range(30)
    ]

    assert np.mean(np.array(shares) > 0.01) < 0.3
