import numpy as np
import pytest

from camsortxs.evidence import q90 as q90_of_metadata
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.labels import label, q90
from camsortxs.techniques import Technique


def setup(distance, **more):
    return Setup(shape=(700, 600), pixel=2e-4, distance=distance, wavelength=1e-10, foot=(340.0, 310.0), **more)


@pytest.mark.parametrize(("distance", "flags"), [(3.0, ()), (0.85, ("mid",)), (0.2, ())])
def test_between_small_and_wide_lies_mid(distance, flags):
    named = label(Technique.SAXS, setup(distance), np.zeros((700, 600), dtype=bool), ())

    assert named.flags == flags


def test_frames_of_no_technique_are_not_mid():
    named = label(None, setup(0.85), np.zeros((700, 600), dtype=bool), ("no_signal",))

    assert (named.technique, named.flags) == (None, ("no_signal",))


def test_q90_is_that_of_the_metadata_and_looks_at_valid_pixels_only():
    here, half = setup(0.5), np.zeros((700, 600), dtype=bool)
    half[:350] = True

    for mask in (np.zeros_like(half), half):
        assert q90(here, mask) == pytest.approx(q90_of_metadata(here.geometry, mask), rel=0.01)


def test_a_detector_on_an_arm_has_a_q90_that_its_metadata_cannot_tell():
    turned = setup(0.5, arm=40.0)

    assert q90(turned) > 3.0
    assert q90_of_metadata(turned.geometry, np.zeros((700, 600), dtype=bool)) is None
