"""What a drawn frame is called: the label policy of DESIGN.md section 4, applied to the truth of the simulator."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camsortxs.simulate.geometry import Setup
from camsortxs.techniques import Technique, regime

_ENOUGH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """`technique` (None for frames that show none of the four), `q90` in 1/angstrom, `flags` beside them."""

    technique: Technique | None
    q90: float
    flags: tuple[str, ...]


def label(technique: Technique | None, setup: Setup, mask: npt.NDArray[np.bool_], flags: tuple[str, ...]) -> Label:
    """Label a frame by what was measured: grazing by how the sample lay, small or wide by q90 over its valid pixels."""
    reach = q90(setup, mask)
    between = technique is not None and regime(reach) == "mid"
    return Label(technique=technique, q90=reach, flags=(*flags, "mid") if between else flags)


def q90(setup: Setup, mask: npt.NDArray[np.bool_] | None = None) -> float:
    """Return the 90th percentile of |q| (1/angstrom) over the valid pixels, read off up to some 256 x 256 of them."""
    if mask is None:
        return float(np.percentile(setup.q(glance=True), 90))
    rows, columns = (slice(None, None, max(1, side // _ENOUGH)) for side in setup.shape)
    valid = ~mask[rows, columns]
    q = setup.q_at(rows, columns)
    return float(np.percentile(q[valid] if valid.any() else q, 90))
