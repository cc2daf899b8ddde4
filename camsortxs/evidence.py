"""What the metadata says of the technique, weighed against what the image says (log-odds add)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.decision import bits
from camsortxs.frames import Frame, Geometry
from camsortxs.techniques import SMALL_Q90, TECHNIQUES, WIDE_Q90, regime

TRUST_Q = 6.0
"""Log-odds for the angle bit from a q-range with a known beam centre; half of it where the centre is assumed."""
TRUST_INCIDENCE = 1.0
"""Log-odds for the geometry bit from an incidence angle: low, for transmission frames carry leftover angles."""
_ENOUGH = 128
CONTRADICTION = 2.0
"""Metadata and image contradict each other when both are this sure (log-odds) of opposite bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Log-odds for `grazing` and for `wide`, and in words what they come from.

    `mid`: the metadata says that the q-range lies between small and wide angle.
    """

    grazing: float = 0.0
    wide: float = 0.0
    used: tuple[str, ...] = ()
    mid: bool = False


def q90(geometry: Geometry, mask: npt.NDArray[np.bool_]) -> float | None:
    """Return the 90th percentile of |q| in 1/angstrom over the valid pixels of `mask` (height, width), or None.

    A flat detector perpendicular to the beam: q = 4 pi / wavelength * sin(theta), tan(2 theta) = r / distance.
    The centre of the detector stands in for an unknown beam centre. Large frames are read off every few pixels, which
    moves the percentile by less than 1 %.
    """
    if not (geometry.distance and geometry.wavelength and geometry.pixel_size):
        return None
    height, width = mask.shape
    row0, column0 = geometry.beam_centre or ((height - 1) / 2, (width - 1) / 2)
    rows, columns = (np.arange(0, side, max(1, side // _ENOUGH)) for side in mask.shape)
    valid = ~mask[np.ix_(rows, columns)]
    radius = np.hypot(rows[:, None] - row0, columns[None, :] - column0)[valid if valid.any() else ...]
    two_theta = np.arctan(np.percentile(radius, 90.0) * geometry.pixel_size / geometry.distance)
    return float(4 * np.pi / (geometry.wavelength * 1e10) * np.sin(two_theta / 2))


def gather(frame: Frame) -> Evidence:
    """Weigh what the metadata of `frame` says; without metadata the evidence is neutral."""
    geometry = frame.geometry
    if geometry is None:
        return Evidence()
    used: list[str] = []
    wide = grazing = 0.0
    q = q90(geometry, frame.mask)
    if q is not None:
        # Linear between the two borders of the label policy, so that `mid` frames are left to the image.
        where = float(np.clip((q - SMALL_Q90) / (WIDE_Q90 - SMALL_Q90), 0.0, 1.0))
        trust = TRUST_Q if geometry.beam_centre else TRUST_Q / 2
        wide = trust * (2 * where - 1)
        used.append(f"q90 {q:.2f} 1/angstrom")
    angle = geometry.incidence_angle
    if angle is not None:
        grazing = TRUST_INCIDENCE if 0.03 <= abs(angle) <= 2.0 else -TRUST_INCIDENCE
        used.append(f"incidence {angle:.3g} degree")
    return Evidence(grazing=grazing, wide=wide, used=tuple(used), mid=q is not None and regime(q) == "mid")


def fuse(
    probabilities: Sequence[float] | npt.NDArray[np.floating[Any]], evidence: Evidence
) -> tuple[tuple[float, float, float, float], str | None]:
    """Return the four probabilities after the evidence, and the contradiction between the two, if there is one.

    >>> p, contradiction = fuse([0.9, 0.1, 0.0, 0.0], Evidence(wide=6.0, used=("q90 2.10 1/angstrom",)))
    >>> [round(x, 2) for x in p], contradiction
    ([0.02, 0.98, 0.0, 0.0], 'image says small angle, q90 2.10 1/angstrom says wide angle')
    """
    image_grazing, image_wide = bits(probabilities)
    weights = np.array([t.grazing * evidence.grazing + t.wide * evidence.wide for t in TECHNIQUES])
    p = np.asarray(probabilities, dtype=np.float64) * np.exp(weights - weights.max())
    p = p / p.sum() if p.sum() > 0 else np.full(4, 0.25)
    clashes = [
        f"image says {names[image > 0.5]}, {', '.join(evidence.used)} says {names[metadata > 0]}"
        for image, metadata, names in (
            (image_wide, evidence.wide, ("small angle", "wide angle")),
            (image_grazing, evidence.grazing, ("transmission", "grazing incidence")),
        )
        if _log_odds(image) * metadata < 0 and min(abs(_log_odds(image)), abs(metadata)) >= CONTRADICTION
    ]
    fused = (float(p[0]), float(p[1]), float(p[2]), float(p[3]))
    return fused, "; ".join(clashes) or None


def _log_odds(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return log(p / (1 - p))
