"""Stops, windows and tubes take light away, and nothing else; every part is written down."""

from itertools import cycle

import numpy as np
import pytest

from camsortxs.simulate import draw, kernels, setups
from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.optics import HABITS, stand_between
from camsortxs.techniques import Technique


@pytest.fixture
def setup():
    return Setup(shape=(120, 100), pixel=1e-3, distance=2.0, wavelength=1e-10, foot=(70.0, 40.0), incidence=0.2)


@pytest.mark.parametrize("index", range(12))
def test_what_stands_between_leaves_finite_light_that_is_not_negative(setup, index):
    light = np.ones(setup.shape, np.float32)

    stand_between(light, setup, HABITS["GISAXS"], Chance(1, "test", index))

    assert np.isfinite(light).all()
    assert (light >= 0).all()
    assert light.max() > 0


def test_a_curve_around_a_point_is_read_by_distance():
    light = np.zeros((50, 60), np.float32)

    kernels.around(light, 20.0, 30.0, 0.5, np.arange(200, dtype=np.float32), False)

    assert light[20, 30] == 0
    assert light[20, 40] == pytest.approx(20.0)
    assert light[26, 38] == pytest.approx(20.0)


def test_a_curve_beside_a_line_is_read_by_signed_distance():
    light, step = np.ones((50, 60), np.float32), np.array([0, 1], np.float32).repeat(50)

    kernels.beside(light, 20.0, 30.0, 0.0, 1.0, step, np.zeros(2, np.float32), False)

    assert (light[22:] == 1).all()  # rows below the line
    assert (light[:19] == 0).all()


def test_an_arm_begins_at_its_stop():
    light, dark = np.ones((50, 60), np.float32), np.ones(41, np.float32)
    dark[19:22] = 0

    kernels.beside(light, 20.0, 30.0, 0.0, 1.0, dark, np.zeros(2, np.float32), True)

    assert (light[20, 30:] == 0).all()
    assert (light[:, :30] == 1).all()


def test_draws_that_were_thrown_away_are_not_written_down(monkeypatch):
    regimes = cycle(["mid", "mid", "wide"])
    monkeypatch.setattr(setups, "regime", lambda q90: next(regimes))

    for index in range(10):
        chance = Chance(4, "WAXS", index)
        setups.draw_setup(chance, Technique.WAXS, (64, 64), 1e-3)
        assert ("off_by" in chance.drawn) == (chance.drawn["beam_at"] == "off")


def test_a_frame_carries_everything_that_was_drawn():
    drawn = draw("GISAXS", seed=4, index=0)

    assert {"energy", "incidence", "halo", "counts", "flat_field", "detector", "distance"} <= drawn.parameters.keys()
    assert any(name.startswith("GISAXS.") for name in drawn.parameters)
    assert drawn.parameters["incidence"] == pytest.approx(drawn.geometry.incidence_angle)
