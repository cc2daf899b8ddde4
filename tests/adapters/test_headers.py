import pytest

from camsortxs.adapters.headers import geometry_of
from camsortxs.frames import Geometry

DECTRIS = """# Pixel_size 172e-6 m x 172e-6 m
# Detector_distance 2.50000 m
# Wavelength 1.54990 A
# Beam_xy (512.30, 400.10) pixels
"""
SAXSLAB = (
    '<?xml version="1.0" ?><p><param name="detector_dist">1050.133</param><param name="pixelsize">0.172 0.172</param>'
    '<param name="wavelength">1.5418</param><param name="beamcenter_actual">351.02 213.96</param>'
    '<param name="thsam">0.200005</param></p>'
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            {"ImageDescription": DECTRIS},
            Geometry(distance=2.5, wavelength=1.5499e-10, pixel_size=172e-6, beam_centre=(400.1, 512.3)),
        ),
        (
            {"Artist": SAXSLAB},
            Geometry(
                distance=1.050133,
                wavelength=1.5418e-10,
                pixel_size=172e-6,
                beam_centre=(213.96, 351.02),
                incidence_angle=0.200005,
            ),
        ),
        (
            {"DISTANCE": "400.0", "WAVELENGTH": "1.54179", "PIXELLENGTH": "0.15", "CENTER_X": "600", "CENTER_Y": "610"},
            Geometry(distance=0.4, wavelength=1.54179e-10, pixel_size=150e-6, beam_centre=(610.0, 600.0)),
        ),
        (
            {"distance": 530.64, "distance@units": "mm", "incident_energy": 12.4, "x_pixel_size": 0.000172},
            Geometry(distance=0.53064, wavelength=12.398419843e-7 / 12400, pixel_size=172e-6),
        ),
        (
            {
                "beam_center_x": 17.2,
                "beam_center_x@units": "mm",
                "beam_center_y": 8.6,
                "beam_center_y@units": "mm",
                "x_pixel_size": 0.172,
                "x_pixel_size@units": "mm",
            },
            Geometry(pixel_size=172e-6, beam_centre=(50.0, 100.0)),
        ),
        ({"BEAM_CENTER_X": "108.8", "BEAM_CENTER_Y": "113.0"}, None),
        ({"Title": "AgBh"}, None),
        ({"distance": 0.0, "wavelength": 1e9, "pixel_size": -1}, None),
    ],
    ids=["dectris", "saxslab", "mar", "nxsas", "centre as a length", "adsc", "nothing", "absurd"],
)
def test_what_formats_say(header, expected):
    geometry = geometry_of(header)

    if expected is None:
        assert geometry is None
        return
    for name in ("distance", "wavelength", "pixel_size", "beam_centre", "incidence_angle"):
        assert getattr(geometry, name) == pytest.approx(getattr(expected, name)), name


def test_what_nobody_filled_in_is_unknown():
    header = {
        "ImageDescription": "# Detector_distance 1.00000 m\n# Wavelength 1.54000 A\n# Beam_xy (0.00, 0.00) pixels\n"
    }

    assert geometry_of(header) is None
