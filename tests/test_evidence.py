import numpy as np
import pytest

from camsortxs.evidence import fuse, gather, q90
from camsortxs.frames import Geometry

OPEN = np.zeros((101, 101), dtype=bool)


def test_q90_follows_braggs_law_at_the_edge_of_the_detector():
    # One valid pixel 50 pixels of 1 mm from the beam, 1 m away: tan(2 theta) = 0.05.
    mask = np.ones_like(OPEN)
    mask[50, 100] = False
    geometry = Geometry(distance=1.0, wavelength=1e-10, pixel_size=1e-3, beam_centre=(50.0, 50.0))

    assert q90(geometry, mask) == pytest.approx(4 * np.pi * np.sin(np.arctan(0.05) / 2), rel=1e-9)


def test_q90_of_a_large_frame_is_read_off_closely_enough(rng):
    mask = rng.random((1679, 1475)) < 0.1
    mask[:, 487:494] = True
    geometry = Geometry(distance=0.3, wavelength=1e-10, pixel_size=172e-6, beam_centre=(1200.0, 300.0))

    radius = np.hypot(*(np.argwhere(~mask) - geometry.beam_centre).T) * geometry.pixel_size
    exactly = 4 * np.pi * np.sin(np.arctan(np.percentile(radius, 90) / 0.3) / 2)
    assert q90(geometry, mask) == pytest.approx(exactly, rel=0.01)


@pytest.mark.parametrize("missing", ["distance", "wavelength", "pixel_size"])
def test_q90_is_not_guessed(missing):
    values = {"distance": 1.0, "wavelength": 1e-10, "pixel_size": 1e-3, missing: None}

    assert q90(Geometry(**values), OPEN) is None


def test_an_assumed_beam_centre_weighs_less(make_frame):
    known = Geometry(distance=5.0, wavelength=1e-10, pixel_size=172e-6, beam_centre=(60.0, 50.0))
    assumed = Geometry(distance=5.0, wavelength=1e-10, pixel_size=172e-6)

    assert gather(make_frame(geometry=known)).wide == pytest.approx(2 * gather(make_frame(geometry=assumed)).wide)


def test_a_leftover_incidence_angle_does_not_overrule_a_sure_image(make_frame):
    evidence = gather(make_frame(geometry=Geometry(incidence_angle=0.36)))

    fused, contradiction = fuse([0.95, 0.02, 0.02, 0.01], evidence)

    assert fused[0] > 0.85
    assert contradiction is None


def test_without_metadata_the_image_stands_alone(make_frame):
    evidence = gather(make_frame())

    assert evidence.used == ()
    assert fuse([0.4, 0.3, 0.2, 0.1], evidence) == (pytest.approx((0.4, 0.3, 0.2, 0.1)), None)
