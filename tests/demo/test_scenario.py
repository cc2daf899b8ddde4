import numpy as np
import pytest

from camsortxs.frames import Geometry
from camsortxs.metadata import configuration_readings, geometry, start_readings
from camsortxs_agent.demo.beamline import FORMS, INLINE_BYTES
from camsortxs_agent.demo.scenario import described, simulated

WHOLE = Geometry(distance=3.5, wavelength=1e-10, pixel_size=172e-6, beam_centre=(240.0, 310.0), incidence_angle=0.15)


@pytest.fixture(scope="module")
def measurements():
    return list(simulated(runs=4, frames=2, seed=1))


@pytest.mark.parametrize(
    ("dialect", "known"),
    [
        (0, None),
        (1, WHOLE),
        (2, Geometry(distance=3.5, wavelength=1e-10, incidence_angle=0.15)),
        (3, Geometry(wavelength=1e-10)),
    ],
)
def test_the_agent_understands_every_dialect(dialect, known):
    configuration, metadata = described(WHOLE, dialect)
    device = {
        "data": {f"pilatus_{name}": value for name, (value, _) in configuration.items()},
        "data_keys": {f"pilatus_{name}": {"units": unit} for name, (_, unit) in configuration.items()},
    }
    understood = geometry([*start_readings(metadata), *configuration_readings(device)])
    if known is None:
        assert understood is None
        return
    for name in ("distance", "wavelength", "pixel_size", "incidence_angle"):
        expected = getattr(known, name)
        assert getattr(understood, name) == (expected if expected is None else pytest.approx(expected, rel=1e-6))
    assert understood.beam_centre == known.beam_centre


def test_what_nobody_knows_is_not_written_down():
    for dialect in range(4):
        assert described(Geometry(), dialect) == ({}, {})
    assert described(None, 1) == ({}, {})


def test_every_technique_comes_in_every_form(measurements):
    live = {(m.truth, m.form) for m in measurements if m.live and m.truth != "no_signal"}
    assert live == {(technique, form) for technique in ("SAXS", "WAXS", "GISAXS", "GIWAXS") for form in FORMS}


def test_there_is_a_dark_run_and_two_for_the_archive(measurements):
    assert [m.truth for m in measurements if m.truth == "no_signal"] == ["no_signal"]
    assert sum(not m.live for m in measurements) == 2


def test_pixels_that_travel_inline_fit_a_message(measurements):
    assert all(m.frames[0].nbytes <= INLINE_BYTES for m in measurements if m.form.startswith("event"))


def test_no_two_frames_are_alike(measurements):
    seen = [frame for m in measurements if m.truth != "no_signal" for frame in m.frames]
    same = [(a, b) for a in range(len(seen)) for b in range(a) if np.array_equal(seen[a], seen[b])]
    assert not same
