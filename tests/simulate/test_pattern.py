"""Tables as they land on the detector."""

import numpy as np
import pytest
from scipy.signal import find_peaks

from camsortxs.simulate import curves
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Reflected, Through, grainy, oriented


@pytest.mark.parametrize(("name", "distance"), [("LaB6", 0.2), ("AgBh", 3.0)])
def test_rings_have_the_radii_that_pyfai_gives_them(name, distance):
    from pyFAI.calibrant import get_calibrant

    setup = Setup(shape=(11, 900), pixel=172e-6, distance=distance, wavelength=1e-10, foot=(5.0, 0.0))
    top = float(setup.q().max())
    grid = np.linspace(0, top, 8000)
    if name == "AgBh":
        positions = 2 * np.pi / curves.AGBH_D001 * np.arange(1, 9)
    else:
        positions, _ = curves.cubic_powder(name, top)
    lines = curves.peaks(grid, positions, np.ones(len(positions)), np.full(len(positions), 0.002 * top), eta=0.0)

    light = Through(table=lines[:, None], q_max=top).light(setup, polarised=0.5)

    found, _ = find_peaks(light[5], height=0.2)
    two_theta = np.array(get_calibrant(name, wavelength=1e-10).get_2th())
    expected = distance * np.tan(two_theta[two_theta < np.pi / 3]) / setup.pixel
    assert found == pytest.approx(expected[(expected > found[0] - 5) & (expected < found[-1] + 5)], abs=0.6)


def sharp_horizon(exits):
    ends = (exits[0], exits[-1])
    return Reflected(table=np.ones((2, 2)), first_max=1.0, second_max=1.0, surface=(exits > 0) * 1.0, exits=ends)


def test_the_horizon_stands_above_the_beam_by_the_incidence_angle():
    setup = Setup(shape=(300, 40), pixel=1e-4, distance=2.0, wavelength=1e-10, foot=(250.0, 20.0), incidence=0.4)
    exits = np.linspace(-0.02, 0.02, 40001)
    film = sharp_horizon(exits)

    light = film.light(setup, polarised=0.5)

    lit = np.flatnonzero(light[:, 20] > 0.5)
    assert lit[-1] == pytest.approx(250 - np.tan(np.deg2rad(0.4)) * 2.0 / 1e-4, abs=1.0)
    assert lit[0] == 0


def test_a_sideways_sample_scatters_sideways():
    setup = Setup(
        shape=(60, 300), pixel=1e-4, distance=2.0, wavelength=1e-10, foot=(30.0, 250.0), incidence=0.4, roll=90.0
    )
    exits = np.linspace(-0.02, 0.02, 4001)
    film = sharp_horizon(exits)

    light = film.light(setup, polarised=0.5)

    assert (light[:, :100] > 0.5).all()
    assert (light[:, 200:] < 0.5).all()


def test_an_arc_at_the_pole_lies_along_the_normal_and_one_in_the_plane_beside_it():
    setup = Setup(shape=(200, 400), pixel=5e-4, distance=0.2, wavelength=1e-10, foot=(199.0, 200.0), incidence=0.2)
    q, angle = np.linspace(0, 4, 800), np.linspace(0, np.pi / 2, 200)
    ring = np.exp(-(((q - 1.5) / 0.05) ** 2))[:, None]
    whole = np.ones(2)
    pictures = [
        Reflected(table=ring * np.exp(-(((angle - tilt) / 0.1) ** 2)), first_max=4.0, second_max=np.pi / 2,
                  by_angle=True, surface=whole, exits=(-1.0, 1.0)).light(setup, polarised=0.5)
        for tilt in (0.0, np.pi / 2)
    ]  # fmt: skip

    upright, flat = (np.unravel_index(picture[:190].argmax(), (190, 400)) for picture in pictures)
    assert abs(upright[1] - 200) < 15
    assert flat[0] > 180


def test_orientation_and_grains_leave_the_mean_as_it_is(rng):
    spread = oriented(0.3, strength=8.0)
    grains = grainy(rng, 2.0, rings=200)

    assert spread[:-1].mean() == pytest.approx(1.0)
    azimuth = np.linspace(-np.pi, np.pi, len(spread))
    assert np.cos(azimuth[spread.argmax()] - 0.3) ** 2 == pytest.approx(1.0, abs=1e-3)
    assert grains.mean() == pytest.approx(1.0, abs=0.02)
    assert np.array_equal(grains[:, 0], grains[:, -1])
