"""The representations by name: what a feature spec may list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.features import asymmetry, glcm, histogram, radial
from camsortxs.features.standard import Standard


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A pure function of one standardised frame, a name for each number that it returns, and its version.

    Raise `version` whenever the numbers change: bundles trained on the old ones are then refused, not misread.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    compute: Callable[[Standard], npt.NDArray[Any]]


def _texture(standard: Standard, distances: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return np.concatenate([glcm.texture(standard, distance) for distance in distances])


def _glcm(name: str, *distances: int) -> Representation:
    columns = glcm.COLUMNS if len(distances) == 1 else [f"d{d}.{c}" for d in distances for c in glcm.COLUMNS]
    return Representation(name=name, version=1, columns=tuple(columns), compute=partial(_texture, distances=distances))


_ALL = (
    Representation(name="histogram.statistics", version=1, columns=histogram.STATISTICS, compute=histogram.statistics),
    Representation(
        name="histogram.bins", version=1, columns=tuple(f"b{i:02d}" for i in range(64)), compute=histogram.bins
    ),
    Representation(
        name="histogram.cumulative",
        version=1,
        columns=tuple(f"b{i:03d}" for i in range(256)),
        compute=histogram.cumulative,
    ),
    _glcm("glcm.d1", 1),
    _glcm("glcm.d2", 2),
    _glcm("glcm.d4", 4),
    _glcm("glcm.all", 1, 2, 4),
    Representation(name="radial.profile", version=1, columns=radial.PROFILE_COLUMNS, compute=radial.profile),
    Representation(name="radial.harmonics", version=1, columns=radial.HARMONICS_COLUMNS, compute=radial.harmonics),
    Representation(name="radial.asymmetry", version=1, columns=asymmetry.COLUMNS, compute=asymmetry.asymmetry),
)

CATALOGUE: Mapping[str, Representation] = MappingProxyType({item.name: item for item in _ALL})
"""Every representation, by name. Read only."""

STANDARD_VERSION = 1
"""Of the standardised frame: part of every feature spec."""
