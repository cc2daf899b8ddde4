"""Where the detector stood, as the headers of EDF, CBF, TIFF, MAR, ADSC and NXsas-like HDF5 files tell it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from camsortxs.frames import Geometry
from camsortxs.metadata import Reading, geometry

_NUMBER = re.compile(r"\s*([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)\s*([A-Za-zÅåµ]*)")
_PAIR = re.compile(r"\(?\s*([\d.]+)\s*[,\s]\s*([\d.]+)")
_CENTRES = ("beam_xy", "beamcenter_actual")
_EXACTLY = {"center_1": "beam_x", "center_x": "beam_x", "center_2": "beam_y", "center_y": "beam_y"}  # EDF, MAR
_AMBIGUOUS = ("beam_center_x", "beam_center_y")  # without a unit: millimetre at some sites, pixel at others


def geometry_of(header: Mapping[str, Any]) -> Geometry | None:
    """Read the geometry from a header; the names and units are those of `camsortxs.metadata`.

    Headers within headers are looked into: `# Name value` of Dectris, `<param name="...">` of SAXSLAB.

    >>> geometry_of({"SampleDistance": "2.46", "WaveLength": "1.54189e-10", "PSize_1": "0.000172"}).distance
    2.46
    >>> geometry_of({"Title": "AgBh"}) is None
    True
    """
    fields = {str(name).lower(): value for name, value in header.items()}
    fields |= {name.lower(): value for value in header.values() for name, value in _inner(value)}
    return geometry(_readings(fields)) if not _untold(fields) else geometry([Reading("pixel_size", _pixel(fields))])


def _readings(fields: Mapping[str, Any]) -> Iterator[Reading]:
    for name in _CENTRES:
        if pair := _PAIR.match(str(fields.get(name, ""))):
            yield from (Reading("beam_x", float(pair[1])), Reading("beam_y", float(pair[2])))
    for name, value in fields.items():
        units = str(fields.get(f"{name}@units", "")) or None
        if name in _AMBIGUOUS and units is None:
            continue
        name = _EXACTLY.get(name, name)
        if isinstance(value, (int, float)):
            yield Reading(name, value, units)
        elif match := _NUMBER.match(str(value)):
            yield Reading(name, float(match[1]), match[2] or units)


def _inner(text: Any) -> Iterator[tuple[str, str]]:
    if isinstance(text, str) and len(text) > 40:
        yield from re.findall(r"#\s*(\w+)\s*[:=]?\s+([^\r\n]+)", text)
        yield from re.findall(r'<param name="(\w+)"[^>]*>([^<]*)</param>', text)


def _untold(fields: Mapping[str, Any]) -> bool:
    """Recognise what a Pilatus server writes until somebody tells it the truth: 1 m, and a beam in the corner."""
    distance = _NUMBER.match(str(fields.get("detector_distance", "")))
    centre = _PAIR.match(str(fields.get("beam_xy", "")))
    return bool(distance and centre and float(distance[1]) == 1.0 and float(centre[1]) == float(centre[2]) == 0.0)


def _pixel(fields: Mapping[str, Any]) -> float | None:
    match = _NUMBER.match(str(fields.get("pixel_size", "")))
    return float(match[1]) if match else None
