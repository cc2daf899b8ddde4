"""The distorted-wave Born approximation against BornAgain (which is asked for plain layers, not averaged ones)."""

import numpy as np
import pytest

from camsortxs.simulate import curves
from camsortxs.simulate.dwba import VACUUM, Body, Layers, Matter, born_table

# BornAgain draws with matplotlib 3.7, which calls pyparsing by its old names; its SWIG classes warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WAVELENGTH, INCIDENCE = 1.24, np.deg2rad(0.4)  # angstrom, radian
K = 2 * np.pi / WAVELENGTH
PHI = (np.arange(50) + 0.5) * np.deg2rad(2) / 50
ALPHA = (np.arange(60) + 0.5) * np.deg2rad(2) / 60
SILICON, POLYSTYRENE = Matter(delta=4.888e-6, beta=7.39e-8), Matter(delta=2.3e-6, beta=1.9e-9)
BARE = Layers(substrate=SILICON)
FILM = Layers(substrate=SILICON, film=POLYSTYRENE, thickness=600.0)
SHAPES = ("cylinder", "spheroid", "hemispheroid")


def theirs(body, layers, spacing=None, spread=None):
    import bornagain as ba

    def matter(value):
        return ba.RefractiveMaterial("", (0.5, 0.5, 0.5), value.delta, value.beta)

    radius, height = body.radius / 10, body.height / 10  # nm
    form = {
        "cylinder": lambda: ba.Cylinder(radius, height),
        "spheroid": lambda: ba.Spheroid(radius, height / 2),
        "hemispheroid": lambda: ba.SpheroidalSegment(radius, height, 0, height),
    }[body.shape]()
    particle = ba.Particle(matter(Matter(delta=2e-5, beta=1e-7)), form)
    order = ba.Dilute2D(1e-4, particle)
    if spacing:
        order = ba.RadialParacrystal(particle, spacing / 10, 1e9)
        order.setProbabilityDistribution(ba.Profile1DGauss(spread / 10))
    sample = ba.Sample()
    if layers.thickness:
        sample.addLayer(ba.Layer(matter(VACUUM)))
        around = ba.Layer(matter(layers.film), layers.thickness / 10)
    else:
        around = ba.Layer(matter(VACUUM))
    around.deposit2D(order)
    sample.addLayer(around)
    sample.addLayer(ba.Layer(matter(layers.substrate)))
    detector = ba.SphericalDetector(len(PHI), 0.0, np.deg2rad(2), len(ALPHA), 0.0, np.deg2rad(2))
    simulation = ba.ScatteringSimulation(ba.Beam(1.0, WAVELENGTH / 10, INCIDENCE), sample, detector)
    simulation.options().setUseAvgMaterials(False)
    return np.array(simulation.simulate().intensities())


def ours(body, layers, spacing=None, spread=None):
    rows = []
    for alpha in ALPHA:
        q = K * np.hypot(np.cos(alpha) * np.cos(PHI) - np.cos(INCIDENCE), np.cos(alpha) * np.sin(PHI))
        row = born_table(q, np.array([np.sin(alpha)]), k=K, incidence=INCIDENCE, layers=layers, body=body)[:, 0]
        rows.append(row * curves.paracrystal(q, spacing, spread) if spacing else row)
    return np.array(rows)


def decades_apart(one, other):
    """Return how far two images are apart, but for one factor."""
    away = np.log10(one / other)
    return np.median(np.abs(away - np.median(away)))


@pytest.mark.parametrize("layers", [BARE, FILM], ids=["bare", "film"])
@pytest.mark.parametrize("shape", SHAPES)
def test_bodies_of_revolution_scatter_as_bornagain_says(shape, layers):
    body = Body(shape=shape, radius=50.0, height=80.0)

    assert decades_apart(ours(body, layers), theirs(body, layers)) < 0.002


def test_tall_cylinders_need_no_more_care():
    body = Body(shape="cylinder", radius=40.0, height=300.0)

    assert decades_apart(ours(body, BARE), theirs(body, BARE)) < 0.002


def test_a_paracrystal_of_islands_scatters_as_bornagain_says():
    body = Body(shape="cylinder", radius=50.0, height=60.0)

    assert decades_apart(ours(body, BARE, 200.0, 40.0), theirs(body, BARE, 200.0, 40.0)) < 0.005


def test_the_comparison_sees_a_wrong_substrate():
    body = Body(shape="cylinder", radius=50.0, height=80.0)
    gold = Layers(substrate=Matter(delta=2.971e-5, beta=2.08e-6))

    assert decades_apart(ours(body, gold), theirs(body, BARE)) > 0.05
