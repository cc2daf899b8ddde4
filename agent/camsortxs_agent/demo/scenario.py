"""What the beamline measures in the demo: simulated frames, and whatever lies in a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Geometry
from camsortxs_agent.demo.beamline import Form
from camsortxs_agent.demo.detectors import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run to take. `truth` is its technique or `no_signal`, None where nobody knows."""

    name: str
    truth: str | None
    frames: Sequence[npt.NDArray[Any]]
    form: Form
    detector: str = "pilatus"
    configuration: Configuration = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    mask: npt.NDArray[np.bool_] | None = None
    live: bool = True


def described(geometry: Geometry | None, dialect: int) -> tuple[Configuration, Mapping[str, Any]]:
    """Return the configuration and the start document of a beamline that speaks this dialect, gaps included.

    0 writes down nothing, 1 all of it in the detector's configuration, 2 distance and wavelength in the start
    document, 3 only the energy. Two of them note the incidence angle where there is one.
    """
    if geometry is None or dialect % 4 == 0:
        return {}, {}
    energy = 12.398419843e-10 / geometry.wavelength if geometry.wavelength else None
    angle = {"incident_angle": geometry.incidence_angle} if geometry.incidence_angle is not None else {}
    if dialect % 4 == 1:
        row, column = geometry.beam_centre or (None, None)
        configuration = {
            "det_dist": (None if geometry.distance is None else 1e3 * geometry.distance, "mm"),
            "pixel_size": (None if geometry.pixel_size is None else 1e6 * geometry.pixel_size, "um"),
            "beam_center_x": (column, "pixel"),
            "beam_center_y": (row, "pixel"),
        }
        known = {name: (value, unit) for name, (value, unit) in configuration.items() if value is not None}
        return known, angle | ({"energy": energy} if energy else {})
    if dialect % 4 == 2:
        distance = {"sample_detector_distance": {"value": geometry.distance, "units": "m"}} if geometry.distance else {}
        wavelength = {"wavelength": 1e10 * geometry.wavelength} if geometry.wavelength else {}
        return {}, distance | wavelength | angle
    return {}, {"energy": energy} if energy else {}
