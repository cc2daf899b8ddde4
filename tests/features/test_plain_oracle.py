"""What no library computes is held to a plain way to it, in NumPy and SciPy, that the benchmarks time beside it."""

import numpy as np
import pytest
from plain import beam_and_horizon

from camsortxs.features.catalogue import CATALOGUE
from camsortxs.features.standard import standardise
from camsortxs.simulate import draw


@pytest.mark.parametrize("technique", ["SAXS", "WAXS", "GISAXS", "GIWAXS"])
@pytest.mark.parametrize("seed", [1, 2])
def test_beam_symmetry_and_horizon_are_those_of_the_plain_way(technique, seed):
    standard = standardise(draw(technique, seed=seed, shape=(619, 487)).frame())
    ours = {}
    for name in ("radial.profile", "radial.asymmetry"):
        part = CATALOGUE[name]
        ours |= dict(zip(part.columns, part.compute(standard), strict=True))
    plain = beam_and_horizon(standard.image.astype(np.float64), standard.mask)

    assert {name: ours[name] for name in plain} == pytest.approx(plain, abs=2e-5)
