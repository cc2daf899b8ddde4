import pytest

from camsortxs.frames import Geometry
from camsortxs.metadata import Device, Reading, configuration_readings, devices, geometry, start_readings


@pytest.mark.parametrize(
    ("name", "value", "units", "metre"),
    [
        ("sample_detector_distance", 3.5, None, 3.5),
        ("sdd", 3500.0, None, 3.5),
        ("pilatus300k_cam_det_dist", 3500.0, "mm", 3.5),
        ("detector_distance_mm", 180.0, None, 0.18),
        ("camera_length", 0.18, "m", 0.18),
        ("sdd", 18.0, "cm", 0.18),
    ],
)
def test_distances_are_in_metre(name, value, units, metre):
    assert geometry([Reading(name, value, units)]) == Geometry(distance=pytest.approx(metre))


@pytest.mark.parametrize(
    ("name", "value", "units"),
    [
        ("energy", 12.39842, None),
        ("mono_energy", 12398.42, None),
        ("beam_energy", 12.39842, "keV"),
        ("wavelength", 1.0, None),
        ("wavelength", 1e-10, None),
        ("wavelength", 0.1, "nm"),
        ("wavelength_angstrom", 1.0, None),
        ("wavelength", 1.0, "Å"),
    ],
)
def test_wavelengths_are_in_metre(name, value, units):
    assert geometry([Reading(name, value, units)]) == Geometry(wavelength=pytest.approx(1e-10, rel=1e-6))


@pytest.mark.parametrize(("value", "units"), [(172e-6, None), (0.172, None), (172.0, None), (172.0, "um"), (172, "µm")])
def test_pixel_sizes_are_in_metre(value, units):
    assert geometry([Reading("x_pixel_size", value, units)]) == Geometry(pixel_size=pytest.approx(172e-6))


def test_the_beam_centre_is_row_and_column():
    assert geometry([Reading("cam_beam_center_x", 10.0), Reading("cam_beam_center_y", 20.0)]) == Geometry(
        beam_centre=(20.0, 10.0)
    )
    assert geometry([Reading("beam_x", 0.0), Reading("beam_y", 0.0)]) is None


def test_incidence_angles_are_in_degree():
    assert geometry([Reading("incident_angle", 0.2)]) == Geometry(incidence_angle=0.2)
    assert geometry([Reading("alpha_i", 3.4907, "mrad")]) == Geometry(incidence_angle=pytest.approx(0.2, rel=1e-3))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "3.5", None, True, [3.5]])
def test_what_is_no_distance_says_nothing(value):
    assert geometry([Reading("sdd", value)]) is None


def test_other_names_say_nothing():
    assert geometry([Reading("threshold_energy", 8.0), Reading("exposure", 1.0), Reading("distance_note", 1)]) is None


def test_the_first_reading_wins():
    assert geometry([Reading("sdd", 1.0), Reading("distance", 2.0)]) == Geometry(distance=1.0)


def test_start_documents_may_nest_and_carry_units():
    start = {"uid": "x", "md": {"sdd": {"value": 3500, "units": "mm"}, "sample": {"energy": 10.0}}}
    found = geometry(start_readings(start))
    assert found is not None
    assert found.distance == pytest.approx(3.5)
    assert found.wavelength == pytest.approx(1.2398e-10, rel=1e-4)


@pytest.mark.parametrize("rubbish", [None, 3, {}, {"data": 3}, {"data": {"sdd": 1.0}, "data_keys": {"sdd": 7}}])
def test_a_configuration_may_be_anything(rubbish):
    assert list(configuration_readings(rubbish)) in ([], [Reading("sdd", 1.0)])


SAXS_AND_WAXS = {
    "waxs": {"data": {"waxs_sdd": 0.2}},
    "mono": {"data": {"energy": 12.4}},
    "saxs": {"data": {"saxs_sdd": 5.0}},
}
DATA_KEYS = {"saxs_image": {"object_name": "saxs"}, "waxs_image": {"object_name": "waxs"}}
COMMON = (Reading("energy", 12.4), Reading("sdd", 1.0))


@pytest.mark.parametrize(
    ("data_keys", "object_keys"),
    [
        ({key: {} for key in DATA_KEYS}, {"saxs": ["saxs_image"], "waxs": ["waxs_image"]}),
        (DATA_KEYS, None),  # as Tiled keeps it
        (DATA_KEYS, {"saxs": None, "mono": [["waxs_image"]]}),
    ],
)
def test_a_detector_is_told_its_own_configuration_and_never_that_of_another(data_keys, object_keys):
    descriptor = {"data_keys": data_keys, "object_keys": object_keys, "configuration": SAXS_AND_WAXS}

    assert devices({"sdd": 1.0}, descriptor, DATA_KEYS) == {
        "saxs_image": Device("saxs", (Reading("saxs_sdd", 5.0), *COMMON)),
        "waxs_image": Device("waxs", (Reading("waxs_sdd", 0.2), *COMMON)),
    }


def test_a_detector_that_nobody_names_is_called_as_its_data_key():
    assert devices({"sdd": 1.0}, {}, ["saxs"]) == {"saxs": Device("saxs", (Reading("sdd", 1.0),))}
    assert devices({}, {"configuration": SAXS_AND_WAXS}, ["saxs"])["saxs"].readings[0] == Reading("saxs_sdd", 5.0)
