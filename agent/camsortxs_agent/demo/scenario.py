"""What the beamline measures in the demo: simulated frames, and whatever lies in a folder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Geometry
from camsortxs.simulate import draw
from camsortxs.techniques import TECHNIQUES, Parent
from camsortxs_agent.demo.beamline import FORMS, Form
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


def simulated(*, runs: int, frames: int, seed: int) -> Iterator[Measurement]:
    """Yield `runs` live runs of each technique, one without signal, and two that only the archive knows of.

    Every document form and every dialect of metadata comes up, in another combination for each technique.
    """
    number = 0
    for turn in range(runs):
        for column, technique in enumerate(TECHNIQUES):
            form, dialect = FORMS[(turn + column) % len(FORMS)], turn + 2 * column + 1
            yield _draw(str(technique), f"{technique} {turn + 1}", number, frames, seed, form=form, dialect=dialect)
            number += 1
    yield _draw("dark", "shutter closed", number, frames, seed, form="resource", dialect=0)
    archived: tuple[tuple[str, Form], ...] = (("GISAXS", "stream_resource"), ("WAXS", "event"))
    for place, (kind, form) in enumerate(archived, start=number + 1):
        yield _draw(kind, f"{kind} of last year", place, frames, seed, form=form, dialect=2, live=False)


def _draw(
    kind: str, name: str, number: int, frames: int, seed: int, *, form: Form, dialect: int, live: bool = True
) -> Measurement:
    # Pixels that travel inline are few: Kafka's default limit is 1 MB a message.
    drawn = draw(kind, seed=seed, index=number, shape=(300, 280) if form.startswith("event") else None)
    configuration, metadata = described(drawn.geometry, dialect)
    return Measurement(
        name=name,
        truth=str(drawn.technique or Parent.NO_SIGNAL),
        frames=list(_exposures(drawn.image, drawn.mask, frames, np.random.default_rng([seed, number]))),
        form=form,
        detector=re.sub(r"\W+", "_", drawn.detector).lower(),
        configuration=configuration,
        metadata=metadata,
        mask=drawn.mask,
        live=live,
    )


def _exposures(
    image: npt.NDArray[Any], mask: npt.NDArray[np.bool_], count: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[Any]]:
    """Yield `count` exposures of one set-up: `image`, then what counting noise makes of it. Bad pixels stay bad."""
    yield image
    dark = mask | ~(image > 0)
    top = np.iinfo(image.dtype).max if image.dtype.kind in "iu" else np.finfo(image.dtype).max
    for _ in range(count - 1):
        counts = rng.poisson(np.where(dark, 0, image).astype(np.float64))
        yield np.where(dark, image, np.minimum(counts, top)).astype(image.dtype)
