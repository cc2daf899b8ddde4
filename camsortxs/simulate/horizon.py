"""The sample's horizon: what passes below it."""

import numpy as np
import numpy.typing as npt
from scipy import special

from camsortxs.simulate.chance import Chance

Array = npt.NDArray[np.float64]
_LEAKS = {"leaking": (1e-3, 0.05), "thin": (0.05, 0.3)}


def horizon(chance: Chance, sin_exit: Array) -> Array:
    """Return the transmitted share over the sine of the exit angle: one above, a leak below.

    Thick substrates absorb all; thin ones and those lit at their edge leak, and an edge that stands out has a second,
    lower horizon of its own, as real frames show.
    """
    kind = chance.choose("substrate_is", {"thick": 0.45, "leaking": 0.4, "thin": 0.15})
    leak = chance.log_uniform("leak", *_LEAKS[kind]) if kind in _LEAKS else 0.0
    above = special.expit(np.clip(sin_exit / chance.log_uniform("horizon_width", 2e-5, 4e-3), -50, 50))
    result = leak + (1 - leak) * above
    if chance.happens("second_horizon", 0.2):
        down, through = chance.log_uniform("second_down", 3e-3, 0.05), chance.uniform("second_leak", 0.05, 0.5)
        edge = special.expit(np.clip((sin_exit + down) / chance.log_uniform("second_width", 5e-4, 1e-2), -50, 50))
        result = np.maximum(result, through * edge)
    return np.asarray(result)
