"""Where the detector stood, from what beamlines write into start documents, device configurations and file headers.

A reading counts when its name is one of those in `_NAMES`, or ends with `_` and one of them (`pilatus_cam_det_dist`).
Its unit is that of the data key, else that of its name (`distance_mm`), else the one that makes sense of its size: a
distance up to 50 is in metre, above in millimetre; an energy up to 100 is in keV, above in eV.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import inf, isfinite, pi
from numbers import Real
from typing import Any, NamedTuple

from camsortxs.frames import Geometry

_NAMES: dict[str, str] = {
    "sample_detector_distance": "distance",
    "sample_to_detector_distance": "distance",
    "detector_distance": "distance",
    "det_distance": "distance",
    "det_dist": "distance",
    "camera_length": "distance",
    "sdd": "distance",
    "distance": "distance",
    "sampledistance": "distance",
    "detector_dist": "distance",
    "wavelength": "wavelength",
    "photon_energy": "energy",
    "beam_energy": "energy",
    "incident_energy": "energy",
    "mono_energy": "energy",
    "xray_energy": "energy",
    "energy": "energy",
    "pixel_size": "pixel_size",
    "x_pixel_size": "pixel_size",
    "pixel_size_x": "pixel_size",
    "psize_1": "pixel_size",
    "pixellength": "pixel_size",
    "pixelsize": "pixel_size",
    "beam_center_x": "column",
    "beam_centre_x": "column",
    "beam_x": "column",
    "beam_center_y": "row",
    "beam_centre_y": "row",
    "beam_y": "row",
    "incidence_angle": "incidence",
    "incident_angle": "incidence",
    "grazing_angle": "incidence",
    "alpha_i": "incidence",
    "thsam": "incidence",
    "sample_angle1": "incidence",
}
_NOT = ("threshold_energy",)
_PLANCK = 12.398419843e-7  # eV m
_LENGTHS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "micron": 1e-6, "nm": 1e-9, "angstrom": 1e-10, "a": 1e-10}
_UNITS: dict[str, dict[str, float]] = {
    "distance": _LENGTHS,
    "wavelength": _LENGTHS,
    "pixel_size": _LENGTHS,
    "energy": {"ev": 1.0, "kev": 1e3},
    "incidence": {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "mrad": 0.18 / pi, "rad": 180 / pi},
    "row": _LENGTHS,
    "column": _LENGTHS,
}


# Metadata lies: what cannot be is taken for unknown. In metre, electronvolt, degree.
_POSSIBLE = {
    "distance": (0.01, 50.0),
    "wavelength": (1e-12, 1e-8),
    "energy": (100.0, 1e6),
    "pixel_size": (1e-6, 2e-3),
    "incidence": (-90.0, 90.0),
}


class Reading(NamedTuple):
    """One value of the metadata, with the unit that came with it."""

    name: str
    value: Any
    units: str | None = None


class Device(NamedTuple):
    """What took the images of a data key, and the readings that say where it stood."""

    name: str
    readings: tuple[Reading, ...]


def geometry(readings: Iterable[Reading]) -> Geometry | None:
    """Return what the readings say, the first one of each kind; None where they say nothing.

    >>> geometry([Reading("pilatus_det_dist", 3500.0, "mm"), Reading("energy", 12.4)]).distance
    3.5
    """
    found: dict[str, float] = {}
    lengths = set()
    for reading in readings:
        kind, unit = _kind(reading.name.lower())
        if kind is None or kind in found or isinstance(reading.value, bool):
            continue
        if not isinstance(reading.value, Real) or not isfinite(reading.value):
            continue
        value = float(reading.value) * _factor(kind, float(reading.value), reading.units or unit)
        low, high = _POSSIBLE.get(kind, (-inf, inf))
        if low <= value <= high:
            found[kind] = value
            if _is_length(kind, reading.units or unit):
                lengths.add(kind)
    wavelength = found.get("wavelength")
    if wavelength is None and "energy" in found:
        wavelength = _PLANCK / found["energy"]
    centre = _centre(found, lengths)
    answer = Geometry(
        distance=found.get("distance"),
        wavelength=wavelength,
        pixel_size=found.get("pixel_size"),
        # Both zero is what a driver reports when nobody entered the centre.
        beam_centre=centre if centre != (0.0, 0.0) else None,
        incidence_angle=found.get("incidence"),
    )
    return None if answer == Geometry() else answer


def _centre(found: Mapping[str, float], lengths: set[str]) -> tuple[float, float] | None:
    """Return (row, column) in pixel; a centre given as a length needs the pixel size."""
    if not {"row", "column"} <= found.keys():
        return None
    if lengths & {"row", "column"}:
        if "pixel_size" not in found:
            return None
        return found["row"] / found["pixel_size"], found["column"] / found["pixel_size"]
    return found["row"], found["column"]


def start_readings(start: Mapping[str, Any], *, depth: int = 2) -> Iterator[Reading]:
    """Yield the readings of a start document: its own fields, then those of nested mappings.

    `{"distance": {"value": 3.5, "units": "m"}}` is one reading.
    """
    nested = []
    for name, value in start.items():
        if not isinstance(value, Mapping):
            yield Reading(str(name), value)
        elif "value" in value:
            yield Reading(str(name), value["value"], _text(value.get("units") or value.get("unit")))
        elif depth > 0:
            nested.append(value)
    for value in nested:
        yield from start_readings(value, depth=depth - 1)


def configuration_readings(configuration: Any) -> Iterator[Reading]:
    """Yield the readings of one device's configuration in a descriptor; nothing for what is not one."""
    if not isinstance(configuration, Mapping):
        return
    keys = configuration.get("data_keys")
    data = configuration.get("data")
    for name, value in data.items() if isinstance(data, Mapping) else ():
        key = keys.get(name) if isinstance(keys, Mapping) else None
        yield Reading(str(name), value, _text(key.get("units")) if isinstance(key, Mapping) else None)


def devices(start: Mapping[str, Any], descriptor: Mapping[str, Any], images: Iterable[str]) -> dict[str, Device]:
    """Return the device behind each of the data keys in `images`, by what a descriptor says.

    A device's own configuration comes first, then those of what is no detector, then the start document. Never that of
    another detector: SAXS and WAXS stand at different distances.
    """
    owners = {
        key: owner
        for owner, keys in _mapping(descriptor, "object_keys").items()
        if isinstance(keys, Sequence)
        for key in keys
        if isinstance(key, str)
    }
    specs = _mapping(descriptor, "data_keys")
    # Tiled drops `object_keys`; its writer says the same with an `object_name` in each data key.
    names = {key: str(owners.get(key) or _mapping(specs, key).get("object_name") or key) for key in images}
    configuration = _mapping(descriptor, "configuration")
    detectors = set(names.values())
    common = [
        reading
        for owner, values in configuration.items()
        if owner not in detectors
        for reading in configuration_readings(values)
    ]
    common += start_readings(start)
    return {
        key: Device(name, (*configuration_readings(configuration.get(name)), *common)) for key, name in names.items()
    }


def moving(data_keys: Mapping[Any, Any], images: Container[Any]) -> Iterator[tuple[str, str | None]]:
    """Yield name and units of the data keys, other than `images`, whose readings move the geometry.

    >>> list(moving({"alpha_i": {"units": "deg"}, "ring_current": {}}, images=()))
    [('alpha_i', 'deg')]
    """
    for name, spec in data_keys.items():
        if name not in images and isinstance(spec, Mapping) and _kind(str(name).lower())[0] is not None:
            yield str(name), _text(spec.get("units"))


def _kind(name: str) -> tuple[str | None, str | None]:
    """Return what a name stands for, and the unit that it ends with."""
    stem, _, last = name.rpartition("_")
    units = {unit for table in _UNITS.values() for unit in table}
    bare, unit = (stem, last) if stem and last in units else (name, None)
    if bare.endswith(_NOT):
        return None, None
    parts = bare.split("_")
    for start in range(len(parts)):
        kind = _NAMES.get("_".join(parts[start:]))
        if kind is not None:
            return kind, unit
    return None, None


def _is_length(kind: str, units: str | None) -> bool:
    return kind in ("row", "column") and _known(kind, units) is not None


def _known(kind: str, units: str | None) -> float | None:
    if units is None:
        return None
    spelled = units.strip().lower().replace("µ", "u").replace("μ", "u").replace("å", "angstrom")
    return _UNITS[kind].get(spelled) or _UNITS[kind].get(spelled.removesuffix("s"))


def _factor(kind: str, value: float, units: str | None) -> float:
    """Return the factor to metre, electronvolt, degree or pixel."""
    known = _known(kind, units)
    if known is not None:
        return known
    match kind:
        case "distance":
            return 1.0 if value <= 50 else 1e-3
        case "wavelength":
            return 1.0 if value < 1e-6 else 1e-10
        case "pixel_size":
            return 1.0 if value < 1e-2 else 1e-3 if value < 1 else 1e-6
        case "energy":
            return 1e3 if value <= 100 else 1.0
    return 1.0


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
