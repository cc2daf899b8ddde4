"""From four probabilities to what we stand by: a technique, one of its parents, or `unknown`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.techniques import TECHNIQUES, Decision, Parent, Technique

MAJORITY, PARENT_SURE = 0.5, 0.9
"""A technique is named when it is more probable than all others together; a parent when it is all but certain: holding
two of four, it is half true of a frame that shows nothing."""
SOMETHING = 0.75
"""Where no technique has the majority, some parent must be this probable for an image to show anything at all."""

Probabilities = Sequence[float] | npt.NDArray[np.floating[Any]]

_GRAZING = np.array([t.grazing for t in TECHNIQUES])
_WIDE = np.array([t.wide for t in TECHNIQUES])


def bits(probabilities: Probabilities) -> tuple[float, float]:
    """Return the probabilities of (grazing incidence, wide angle): the four summed over the other bit.

    >>> bits([0.1, 0.2, 0.3, 0.4])
    (0.7, 0.6)
    """
    p = np.asarray(probabilities, dtype=np.float64)
    return round(float(p[_GRAZING].sum()), 9), round(float(p[_WIDE].sum()), 9)


def decide(probabilities: Probabilities, threshold: float) -> Decision:
    """Name the technique when it is the only candidate, and likely; else a parent that is certain; else `unknown`.

    Candidates are those that reach `threshold`. They are the conformal prediction set: what a new instrument's frame
    may be.

    >>> str(decide([0.02, 0.03, 0.05, 0.90], 0.6)), str(decide([0.0, 0.0, 0.5, 0.5], 0.6))
    ('GIWAXS', 'grazing incidence')
    >>> str(decide([0.55, 0.25, 0.12, 0.08], 0.2)), str(decide([0.40, 0.20, 0.20, 0.20], 0.3))
    ('unknown', 'unknown')
    """
    p = np.asarray(probabilities)
    candidates = np.flatnonzero(p >= threshold)
    if len(candidates) == 1 and p[candidates[0]] >= MAJORITY:
        return TECHNIQUES[int(candidates[0])]
    surest, parent = _surest_parent(probabilities)
    return parent if surest >= PARENT_SURE else Parent.UNKNOWN


def shows_scattering(probabilities: Probabilities) -> bool:
    """Return whether the image says anything of the technique: if not, metadata has nothing to add to.

    A flat field with a distance in its header is not small-angle scattering.

    >>> shows_scattering([0.3, 0.25, 0.25, 0.2]), shows_scattering([0.45, 0.45, 0.05, 0.05])
    (False, True)
    """
    return max(probabilities) >= MAJORITY or _surest_parent(probabilities)[0] >= SOMETHING


def _surest_parent(probabilities: Probabilities) -> tuple[float, Parent]:
    grazing, wide = bits(probabilities)
    return max(
        (grazing, Parent.GRAZING), (1 - grazing, Parent.TRANSMISSION), (wide, Parent.WIDE), (1 - wide, Parent.SMALL)
    )


def technique_of(decided: Decision) -> Technique | None:
    """Return the technique when the decision is one, None when it is a parent, `unknown` or `no_signal`."""
    return decided if isinstance(decided, Technique) else None
