"""What the grid is made of: which cells there are, and what makes one the same cell as before."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

from camsortxs.errors import ModelError
from camsortxs.features.catalogue import CATALOGUE, HANDMADE, STANDARD_VERSION
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import CLASSIFIERS

_VERSION = 2
"""Raise it when the same cell comes to another result."""
_NETWORKS = tuple(name for name in CATALOGUE if name not in HANDMADE)
_SHIPPED = ("histogram.statistics", "glcm.all", "radial.profile", "radial.harmonics", "radial.asymmetry")

UNIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "shipped": _SHIPPED,
        "shapes": ("radial.profile", "radial.harmonics", "radial.asymmetry", "spectrum.radial", "spectrum.wavelet"),
        "networks": _NETWORKS,
        "shipped+networks": (*_SHIPPED, *_NETWORKS),
        "handmade": HANDMADE,
        "everything": (*HANDMADE, *_NETWORKS),
    }
)
"""Representations that are tried together: what `camsortxs train` looks at unless told otherwise, what follows radii
and frequencies, all networks, all that needs no network, and all 25."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all cells share: trees of a forest, outer folds, folds of the tuning within, and the seed of all."""

    trees: int = 80
    folds: int = 4
    inner: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """One representation, or union of several, by one classifier."""

    features: str
    classifier: str

    @property
    def representations(self) -> tuple[str, ...]:
        """What it looks at, by the names of the catalogue."""
        return UNIONS.get(self.features, (self.features,))

    def fits(self, dataset: Dataset) -> bool:
        """Return whether a dataset holds what it looks at."""
        return set(self.representations) <= {".".join(name.split(".")[:2]) for name in dataset.names}

    def __str__(self) -> str:
        return f"{self.features}:{self.classifier}"


def all_cells() -> list[Cell]:
    """Return the 25 representations and the unions, each by the five classifiers.

    >>> len(all_cells()), str(all_cells()[0])
    (155, 'histogram.statistics:et')
    """
    return [
        Cell(features=features, classifier=classifier)
        for features in (*CATALOGUE, *UNIONS)
        for classifier in CLASSIFIERS
    ]


def parse(names: Iterable[str]) -> list[Cell]:
    """Return the cells of `names`, spelt `FEATURES:CLASSIFIER`; either may be `*`.

    >>> [str(cell) for cell in parse(["lbp.p8:*"])][:2]
    ['lbp.p8:et', 'lbp.p8:lightgbm']

    Raises
    ------
    ModelError
        When there is no such cell.
    """
    cells: dict[Cell, None] = {}
    for name in names:
        features, _, classifier = name.partition(":")
        found = [
            cell for cell in all_cells() if features in ("*", cell.features) and classifier in ("*", cell.classifier)
        ]
        if not found:
            raise ModelError(
                f"the grid has no cell {name}: it is spelt FEATURES:CLASSIFIER, where features are {', '.join(UNIONS)} "
                f"or a representation ({', '.join(CATALOGUE)}), and classifiers {', '.join(CLASSIFIERS)}"
            )
        cells.update(dict.fromkeys(found))
    return list(cells)


def keys(cells: Sequence[Cell], dataset: Dataset, setting: Setting) -> dict[Cell, str]:
    """Return what names the result of each cell: the sha256 of all that it follows from.

    Features that a cell does not look at may change, or be missing: it stays the same cell.
    """
    seen = {cell.representations: dataset.columns(cell.representations).digest for cell in cells}
    return {cell: _key(cell, seen[cell.representations], setting) for cell in cells}


def _key(cell: Cell, digest: str, setting: Setting) -> str:
    versions = [[name, CATALOGUE[name].version] for name in cell.representations]
    parts = [_VERSION, digest, STANDARD_VERSION, versions, cell.classifier, asdict(setting)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
