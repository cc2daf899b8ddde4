"""The azimuthal profile beside pyFAI's."""

import numpy as np
import pytest
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

from camsortxs.features.centre import Centre
from camsortxs.features.radial import polar
from camsortxs.features.sizes import POLAR_RINGS, SIDE
from camsortxs.features.standard import standardise
from camsortxs.simulate import draw

PIXEL = 1e-4


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pyFAI")
@pytest.mark.parametrize("kind", ["SAXS", "GIWAXS"])
@pytest.mark.parametrize("at", [(127.3, 120.9), (30.2, 250.6)])
def test_the_profile_is_that_of_pyfai(kind, at):
    standard = standardise(draw(kind, seed=3, shape=(619, 487)).frame())
    view = polar(standard, Centre(row=at[0], column=at[1], roundness=1.0))
    detector = Detector(PIXEL, PIXEL, max_shape=(SIDE, SIDE))
    # pyFAI counts from the corner of the first pixel, we from its centre.
    poni1, poni2 = ((place + 0.5) * PIXEL for place in at)
    integrator = AzimuthalIntegrator(dist=1.0, poni1=poni1, poni2=poni2, detector=detector)
    reach = view.outer - view.inner
    theirs = integrator.integrate1d(
        standard.image,
        POLAR_RINGS,
        radial_range=[edge * PIXEL * 1e3 for edge in (view.inner, view.outer)],
        mask=standard.mask,
        unit="r_mm",
        correctSolidAngle=False,
        method=("no", "histogram", "cython"),
    )

    radius = (np.arange(POLAR_RINGS) + 0.5) / POLAR_RINGS * reach + view.inner
    assert theirs.radial == pytest.approx(radius * PIXEL * 1e3, rel=1e-6)
    # What lies beyond the 99th percentile of the radii is in our last ring.
    seen = (theirs.count > 0) & (np.arange(POLAR_RINGS) < POLAR_RINGS - 1)
    assert seen.sum() > 80
    assert view.profile[seen] == pytest.approx(theirs.intensity[seen], rel=1e-4, abs=1e-6)
    assert view.weight.sum(axis=1)[seen] == pytest.approx(theirs.count[seen], abs=1)
