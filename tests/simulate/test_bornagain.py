"""The distorted-wave Born approximation against BornAgain (which is asked for plain layers, not averaged ones)."""

from dataclasses import replace

import numpy as np
import pytest

from camsortxs.simulate import curves
from camsortxs.simulate.dwba import VACUUM, Body, Layers, Matter, born_table

# BornAgain draws with matplotlib 3.7, which calls pyparsing by its old names; its SWIG classes warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WAVELENGTH, INCIDENCE = 1.24, np.deg2rad(0.4)  # angstrom, radian
K = 2 * np.pi / WAVELENGTH
# BornAgain 25 divides its axes evenly, but looks along the angle whose tangent the value is (found by comparison).
# At two degrees that is 4e-4 of the angle, enough to shift the minima of tall bodies.
PHI = np.arctan((np.arange(50) + 0.5) * np.deg2rad(2) / 50)
ALPHA = np.arctan((np.arange(60) + 0.5) * np.deg2rad(2) / 60)
SILICON, POLYSTYRENE = Matter(delta=4.888e-6, beta=7.39e-8), Matter(delta=2.3e-6, beta=1.9e-9)
BARE = Layers(substrate=SILICON)
FILM = Layers(substrate=SILICON, film=POLYSTYRENE, thickness=600.0)
ROUGH = replace(FILM, roughness=10.0)
LAYERS = {"bare": BARE, "film": FILM, "rough": ROUGH}
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
    order = ba.Dilute2D(1e8, particle)  # so many that they outshine the rough interface itself
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
    substrate = [matter(layers.substrate)]
    if layers.roughness:
        # The last value is where the spectrum ends (1/nm): by default at 0.5, which leaves less of the roughness.
        spectrum = ba.SelfAffineFractalModel(layers.roughness / 10, 0.7, 5.0, 100.0)
        substrate.append(ba.Roughness(spectrum, ba.ErfTransient()))
    sample.addLayer(ba.Layer(*substrate))
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
    """Return how far two images are apart, but for one factor: half of the pixels by less, and 95 % of them."""
    away = np.log10(one / other)
    return tuple(np.percentile(np.abs(away - np.median(away)), [50, 95]))


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_bodies_of_revolution_scatter_as_bornagain_says(shape, layers):
    body = Body(shape=shape, radius=50.0, height=80.0)

    median, most = decades_apart(ours(body, LAYERS[layers]), theirs(body, LAYERS[layers]))

    assert median < 0.0005
    assert most < 0.002


@pytest.mark.parametrize("layers", ["bare", "film"])
def test_tall_cylinders_need_no_more_care(layers):
    body = Body(shape="cylinder", radius=40.0, height=550.0)

    median, most = decades_apart(ours(body, LAYERS[layers]), theirs(body, LAYERS[layers]))

    assert median < 0.0005
    assert most < 0.002


def test_a_paracrystal_of_islands_scatters_as_bornagain_says():
    body = Body(shape="cylinder", radius=50.0, height=60.0)

    median, most = decades_apart(ours(body, BARE, 200.0, 40.0), theirs(body, BARE, 200.0, 40.0))

    assert median < 0.0005
    assert most < 0.002


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (replace(BARE, substrate=Matter(delta=2.971e-5, beta=2.08e-6)), BARE),
        (BARE, FILM),
        (replace(FILM, thickness=580.0), FILM),
        (FILM, ROUGH),
    ],
    ids=["substrate", "no film", "thickness", "roughness"],
)
def test_the_comparison_sees_wrong_layers(wrong, right):
    body = Body(shape="cylinder", radius=50.0, height=80.0)

    _, most = decades_apart(ours(body, wrong), theirs(body, right))

    assert most > 0.02
