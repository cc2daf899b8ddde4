"""Where the detector stood, as file headers tell it. Headers lie: what cannot be is taken for unknown."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from camsortxs.frames import Geometry

_PLANCK = 12.398419843e-7  # h c in eV m
_LENGTH = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "a": 1e-10, "angstrom": 1e-10, "å": 1e-10}

_DISTANCE = ("sampledistance", "detector_distance", "detector_dist", "distance", "sample_to_detector_distance")
_WAVELENGTH = ("wavelength", "incident_wavelength")
_ENERGY = ("incident_energy", "photon_energy")
_PIXEL = ("psize_1", "pixel_size", "x_pixel_size", "pixellength", "pixelsize")
_UNSET = re.compile(r"\(?0\.0+, 0\.0+\)?")
_INCIDENCE = ("thsam", "sample_angle1", "incidence_angle", "incident_angle")


def geometry_of(header: Mapping[str, Any]) -> Geometry | None:
    """Read the geometry from the header of an EDF, CBF, TIFF, MAR, ADSC or NXsas-like HDF5 file.

    Numbers carry their unit (`1.00000 m`), or it follows from the format: metre where the number makes sense as such,
    else millimetre (MAR, ADSC) for distances; angstrom for wavelengths above 1e-6; metre, else millimetre for pixels.

    >>> geometry_of({"SampleDistance": "2.46", "WaveLength": "1.54189e-10", "PSize_1": "0.000172"}).distance
    2.46
    >>> geometry_of({"Title": "AgBh"}) is None
    True
    """
    texts = {str(name).lower(): value for name, value in header.items()}
    texts |= {name.lower(): value for name, value in _inner(header.values())}
    distance = _within(_length(texts, _DISTANCE, large=50.0, then=1e-3), 0.01, 50.0)
    wavelength = _within(_length(texts, _WAVELENGTH, large=1e-6, then=1e-10), 1e-12, 1e-8)
    if wavelength is None and (energy := _number(texts, _ENERGY)):
        wavelength = _within(_PLANCK / (energy if energy > 1000 else energy * 1000), 1e-12, 1e-8)
    pixel = _within(_length(texts, _PIXEL, large=5e-3, then=1e-3), 1e-6, 2e-3)
    if distance == 1.0 and _UNSET.match(str(texts.get("beam_xy", ""))):
        distance = wavelength = None  # what a Pilatus server writes until somebody tells it the truth
    angle = _number(texts, _INCIDENCE)
    geometry = Geometry(
        distance=distance,
        wavelength=wavelength,
        pixel_size=pixel,
        beam_centre=_centre(texts),
        incidence_angle=angle if angle is not None and abs(angle) <= 90 else None,
    )
    return geometry if geometry != Geometry() else None


def _inner(values: Iterable[Any]) -> Iterable[tuple[str, str]]:
    """Find the headers within headers: `# Name value` of Dectris, `<param name="...">value</param>` of SAXSLAB."""
    for text in values:
        if isinstance(text, str) and len(text) > 40:
            yield from re.findall(r"#\s*(\w+)\s*[:=]?\s+([^\r\n]+)", text)
            yield from re.findall(r'<param name="(\w+)"[^>]*>([^<]*)</param>', text)


def _number(texts: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    found = _quantity(texts, names)
    return found[0] if found else None


def _quantity(texts: Mapping[str, Any], names: tuple[str, ...]) -> tuple[float, str] | None:
    for name in names:
        match = re.search(r"([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)\s*([A-Za-zÅå]*)", str(texts.get(name, "")))
        if match:
            unit = match[2] or str(texts.get(f"{name}@units", ""))
            return float(match[1]), unit.lower()
    return None


def _length(texts: Mapping[str, Any], names: tuple[str, ...], *, large: float, then: float) -> float | None:
    """Return a length in metre; a number without a unit and above `large` is in units of `then`."""
    found = _quantity(texts, names)
    if found is None:
        return None
    value, unit = found
    return value * _LENGTH.get(unit, then if value > large else 1.0)


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def _centre(texts: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return (row, column) in pixel; a centre at the very corner is a value that nobody filled in.

    ADSC's BEAM_CENTER_X is in millimetre at some sites and in pixel at others, so it is left alone.
    """
    for name in ("beam_xy", "beamcenter_actual"):
        if match := re.search(r"([\d.]+)\s*[,\s]\s*([\d.]+)", str(texts.get(name, ""))):
            return _lit(row=float(match[2]), column=float(match[1]))
    pairs = [("center_1", "center_2"), ("center_x", "center_y")]
    if texts.get("beam_center_x@units", "") in ("pixel", "pixels", "px"):
        pairs.append(("beam_center_x", "beam_center_y"))
    for first, second in pairs:
        column, row = _number(texts, (first,)), _number(texts, (second,))
        if row is not None and column is not None:
            return _lit(row=row, column=column)
    return None


def _lit(*, row: float, column: float) -> tuple[float, float] | None:
    return (row, column) if row > 0 and column > 0 else None
