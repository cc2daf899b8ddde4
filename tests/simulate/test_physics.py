"""The simulator against textbooks and against pyFAI."""

from dataclasses import replace

import numpy as np
import pytest

from camsortxs.simulate import curves
from camsortxs.simulate.detectors import DETECTORS
from camsortxs.simulate.dwba import VACUUM, Body, Layers, Matter, born_table, reflectivity, rough_table
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Through

SILICON = Matter(delta=4.888e-6, beta=7.39e-8)  # at 10 keV


@pytest.fixture
def setup() -> Setup:
    return Setup(shape=(200, 160), pixel=1e-3, distance=0.3, wavelength=1.24e-10, foot=(120.0, 70.0), incidence=0.3)


@pytest.mark.parametrize("name", ["LaB6", "CeO2"])
def test_powder_lines_stand_where_pyfai_puts_them(name):
    from pyFAI.calibrant import get_calibrant

    calibrant = get_calibrant(name, wavelength=1e-10)
    theirs = 2 * np.pi / np.array(calibrant.dspacing)
    ours, _ = curves.cubic_powder(name, 6.0)

    assert ours == pytest.approx(theirs[theirs <= 6.0][: len(ours)], rel=2e-4)


def test_silver_behenate_stands_where_pyfai_puts_it():
    from pyFAI.calibrant import get_calibrant

    first = get_calibrant("AgBh", wavelength=1e-10).dspacing[0]

    assert first == pytest.approx(curves.AGBH_D001, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "theirs"), [("Pilatus 1M", "Pilatus1M"), ("Pilatus 2M", "Pilatus2M"), ("Pilatus 300k", "Pilatus300k"),
                         ("Pilatus 300k-W", "Pilatus300kw"), ("Eiger 1M", "Eiger1M"), ("Eiger 4M", "Eiger4M")]
)  # fmt: skip
def test_detectors_have_the_gaps_that_pyfai_knows(name, theirs):
    from pyFAI.detectors import detector_factory

    oracle = detector_factory(theirs)

    assert DETECTORS[name].shape == oracle.shape
    assert DETECTORS[name].pixel == pytest.approx(oracle.pixel1)
    assert np.array_equal(DETECTORS[name].gaps(), oracle.mask.astype(bool))


def pyfais(setup):
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    return AzimuthalIntegrator(
        dist=setup.distance,
        poni1=(setup.foot[0] + 0.5) * setup.pixel,
        poni2=(setup.foot[1] + 0.5) * setup.pixel,
        rot1=np.deg2rad(setup.arm),
        detector=Detector(setup.pixel, setup.pixel, max_shape=setup.shape),
        wavelength=setup.wavelength,
    )


@pytest.mark.parametrize("arm", [0.0, 25.0, -40.0, 100.0])
def test_q_of_every_pixel_equals_pyfais(setup, arm):
    turned = replace(setup, arm=arm)

    assert turned.q() == pytest.approx(pyfais(turned).array_from_unit(unit="q_A^-1"), abs=1e-5)


@pytest.mark.parametrize("arm", [0.0, 25.0])
def test_light_is_weighted_by_solid_angle_and_polarisation_as_pyfai_does(setup, arm):
    turned, everywhere = replace(setup, arm=arm), Through(table=np.ones((2, 1)), q_max=10.0)
    oracle = pyfais(turned)

    light = everywhere.light(turned, polarised=0.99)

    # pyFAI counts polarisation from -1 to 1, and its own frame of reference is ours turned.
    theirs = oracle.solidAngleArray() * oracle.polarization(factor=0.98)
    assert light == pytest.approx(theirs, rel=1e-3)


def test_the_horizon_is_where_the_exit_angle_is_zero(setup):
    _, sin_exit = setup.grazing()
    below = 0.3 * np.pi / 180 * setup.distance / setup.pixel  # the horizon stands above the direct beam by this

    column = sin_exit[:, int(setup.foot[1])]

    assert np.interp(0.0, column[::-1], np.arange(len(column))[::-1]) == pytest.approx(setup.foot[0] - below, abs=0.02)


def test_the_yoneda_band_is_at_the_critical_angle():
    sin_exit = np.linspace(0, 0.012, 4000)

    table = rough_table(
        np.array([0.001]), sin_exit, incidence=np.deg2rad(0.4), matter=SILICON, correlation=200.0, hurst=0.5
    )

    assert sin_exit[np.argmax(table[0])] == pytest.approx(np.sqrt(2 * SILICON.delta), rel=0.02)


def test_the_reflected_beam_stands_at_twice_the_incidence_angle(setup):
    q_par, sin_exit = setup.grazing()
    row, column = (round(place) for place in setup.specular)

    assert sin_exit[row, column] == pytest.approx(np.sin(np.deg2rad(0.3)), abs=setup.pixel / setup.distance)
    assert q_par[row, column] == pytest.approx(0.0, abs=setup.k * setup.pixel / setup.distance)


def test_fresnel_reflects_all_below_the_critical_angle_and_little_far_above():
    critical = np.sqrt(2 * SILICON.delta)

    assert abs(reflectivity(np.array(critical / 3), Matter(delta=SILICON.delta, beta=0.0))) == pytest.approx(
        1.0, abs=1e-9
    )
    assert abs(reflectivity(np.array(10 * critical), SILICON)) ** 2 == pytest.approx(1 / (2 * 10) ** 4, rel=0.05)


def test_without_a_substrate_the_born_approximation_is_the_bare_form_factor():
    q_par, height, radius, k = np.linspace(1e-4, 0.1, 50), 40.0, 30.0, 2 * np.pi / 1.24
    sin_exit = np.array([0.01])

    body = Body(shape="cylinder", radius=radius, height=height)
    table = born_table(
        q_par, sin_exit, k=k, incidence=np.deg2rad(0.2), layers=Layers(substrate=VACUUM), body=body, slices=400
    )

    q_z = k * (np.sin(np.deg2rad(0.2)) + sin_exit[0])
    from scipy.special import j1

    form = 2 * np.pi * radius**2 * j1(q_par * radius) / (q_par * radius) * height * np.sinc(q_z * height / 2 / np.pi)
    assert table[:, 0] == pytest.approx(form**2, rel=1e-3, abs=1e-3 * form.max() ** 2)


def test_the_guinier_slope_of_a_sphere_is_its_radius_of_gyration():
    q, radius = np.linspace(1e-4, 0.2 / 50, 50), 50.0

    slope = np.polyfit(q**2, np.log(curves.sphere(q, radius)), 1)[0]

    assert np.sqrt(-3 * slope) == pytest.approx(np.sqrt(3 / 5) * radius, rel=0.01)


def test_the_porod_slope_of_a_smooth_surface_is_minus_four():
    q = np.geomspace(0.5, 5.0, 200)

    slope = np.polyfit(np.log(q), np.log(curves.polydisperse_sphere(q, 50.0, 0.2)), 1)[0]

    assert slope == pytest.approx(-4.0, abs=0.1)


def test_hard_spheres_at_low_density_do_not_interfere():
    assert curves.hard_spheres(np.linspace(0.01, 0.3, 50), 40.0, 1e-4) == pytest.approx(1.0, abs=2e-3)
