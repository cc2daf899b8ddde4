"""The representations by name: what a feature spec may list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.features import asymmetry, deep, glcm, histogram, hog, lbp, lenet, radial, spectrum
from camsortxs.features.sizes import GLCM_DISTANCES, HOG_CELLS, LBP_CIRCLES
from camsortxs.features.standard import Standard


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A pure function of one standardised frame, a name for each number that it returns, and its version.

    Raise `version` whenever the numbers change: bundles trained on the old ones are then refused, not misread.
    `embedding` names the trained network that it looks through, which `compute` takes as its second argument; its
    weights are data that a bundle carries.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    compute: Callable[..., npt.NDArray[Any]]
    embedding: str | None = None


def _texture(standard: Standard, distances: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return np.concatenate([glcm.texture(standard, distance) for distance in distances])


def _glcm(name: str, *distances: int) -> Representation:
    columns = glcm.COLUMNS if len(distances) == 1 else [f"d{d}.{c}" for d in distances for c in glcm.COLUMNS]
    return Representation(name=name, version=1, columns=tuple(columns), compute=partial(_texture, distances=distances))


def _lbp(points: int, radius: int) -> Representation:
    compute = partial(lbp.patterns, points=points, radius=radius)
    return Representation(name=f"lbp.p{points}", version=1, columns=lbp.columns(points), compute=compute)


def _hog(cell: int) -> Representation:
    compute = partial(hog.gradients, cell=cell)
    return Representation(name=f"hog.c{cell}", version=1, columns=hog.COLUMNS, compute=compute)


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
    *(_glcm(f"glcm.d{distance}", distance) for distance in GLCM_DISTANCES),
    _glcm("glcm.all", *GLCM_DISTANCES),
    *(_lbp(points, radius) for points, radius in LBP_CIRCLES),
    *(_hog(cell) for cell in HOG_CELLS),
    Representation(name="radial.profile", version=1, columns=radial.PROFILE_COLUMNS, compute=radial.profile),
    Representation(name="radial.harmonics", version=1, columns=radial.HARMONICS_COLUMNS, compute=radial.harmonics),
    Representation(name="radial.asymmetry", version=1, columns=asymmetry.COLUMNS, compute=asymmetry.asymmetry),
    Representation(name="spectrum.radial", version=1, columns=spectrum.RADIAL_COLUMNS, compute=spectrum.radial),
    Representation(name="spectrum.wavelet", version=1, columns=spectrum.WAVELET_COLUMNS, compute=spectrum.wavelet),
    Representation(
        name="lenet.dense", version=1, columns=lenet.DENSE_COLUMNS, compute=lenet.dense, embedding=lenet.NAME
    ),
    Representation(
        name="lenet.map", version=1, columns=lenet.MAP_COLUMNS, compute=lenet.pooled_map, embedding=lenet.NAME
    ),
    *(
        Representation(name=f"deep.{name}", version=1, columns=deep.COLUMNS, compute=deep.embedded, embedding=name)
        for name in deep.FAMILIES
    ),
)

CATALOGUE: Mapping[str, Representation] = MappingProxyType({item.name: item for item in _ALL})
"""Every representation, by name. Read only."""

HANDMADE = tuple(item.name for item in _ALL if item.embedding is None)
"""Those that need no trained network."""

STANDARD_VERSION = 1
"""Of the standardised frame: part of every feature spec."""
