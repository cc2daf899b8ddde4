"""The representations that the device computes, by the names of the catalogue (`camsortxs.features.catalogue`)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from camsortxs.device import asymmetry, glcm, histogram, hog, lbp, radial, spectrum
from camsortxs.device.standard import Standards
from camsortxs.features.sizes import GLCM_DISTANCES, HOG_CELLS, LBP_CIRCLES

Tensor = Any
Compute = Callable[[Standards], Tensor]


def _with(compute: Callable[..., Tensor], *options: int) -> Compute:
    return lambda standards: compute(standards, *options)


REPRESENTATIONS: Mapping[str, Compute] = MappingProxyType(
    {
        "histogram.statistics": histogram.statistics,
        "histogram.bins": histogram.bins,
        "histogram.cumulative": histogram.cumulative,
        **{f"glcm.d{distance}": _with(glcm.texture, distance) for distance in GLCM_DISTANCES},
        "glcm.all": _with(glcm.texture, *GLCM_DISTANCES),
        **{f"lbp.p{points}": _with(lbp.patterns, points, radius) for points, radius in LBP_CIRCLES},
        **{f"hog.c{cell}": _with(hog.gradients, cell) for cell in HOG_CELLS},
        "radial.profile": radial.profile,
        "radial.harmonics": radial.harmonics,
        "radial.asymmetry": asymmetry.asymmetry,
        "spectrum.radial": spectrum.radial,
        "spectrum.wavelet": spectrum.wavelet,
    }
)
"""From standardised frames to the numbers of each representation, (B, columns). Read only."""
