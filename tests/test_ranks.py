import numpy as np
import pytest

from camsortxs.ranks import percentile

VALUES = {
    "even": np.linspace(-3.0, 5.0, 20_001),
    "few": np.array([4.0, 1.0, 3.0]),
    "one": np.array([7.0]),
    "equal": np.full(5_000, 2.5),
    "ties": np.repeat([0.0, 1.0, 2.0], 3_000),
    "far": np.append(np.linspace(0, 1, 9_999), 1e30),
    "faint": np.linspace(0, 1e-300, 5_000),
}


@pytest.mark.parametrize("percent", [0.0, 1.0, 25.0, 50.0, 99.9, 100.0])
@pytest.mark.parametrize("name", VALUES)
def test_percentiles_are_those_of_numpy(rng, name, percent):
    values = rng.permutation(VALUES[name])

    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-12)


def test_single_precision_is_kept_in_order(rng):
    values = np.log1p(rng.random(58_000)).astype(np.float32)

    assert percentile(values, 80.0) == pytest.approx(np.percentile(values.astype(float), 80.0), rel=1e-12)
