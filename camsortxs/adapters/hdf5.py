"""HDF5 and NeXus files: finding the images, and what is said beside them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from camsortxs.adapters.chunks import read_image
from camsortxs.adapters.sources import Allowed, anywhere, check_sources, read_allowed
from camsortxs.errors import FrameError
from camsortxs.frames import check_shape

_MOST = 10_000_000
"""Of more images than this, what each has of its own is not looked at: it is read for all of them."""


@dataclass(frozen=True)
class Hdf5Images:
    """The images of one dataset (..., height, width), which may lie in any file that is `allowed`.

    `further` are the datasets in which they go on.
    """

    file: h5py.File
    dataset: str
    allowed: Allowed = anywhere
    further: tuple[str, ...] = ()

    def header(self, index: int) -> Mapping[str, Any]:
        """Return what stands beside image `index`: the scalars of the file, and its own value of what has one each."""
        beside = {name: values[index if len(values) > 1 else 0] for name, values in self._beside.items()}
        return {name: value for name, value in beside.items() if isinstance(value, str) or np.isfinite(value)}

    @cached_property
    def _beside(self) -> Mapping[str, Sequence[Any]]:
        return numbers(self.file, len(self), self.allowed)

    def __len__(self) -> int:
        pixels = self._pixels()
        check_shape(pixels.shape[-2:], pixels.dtype)
        return prod(pixels.shape[:-2])

    def read(self, index: int) -> npt.NDArray[Any]:
        """Return image `index`, (height, width)."""
        pixels = self._pixels()
        check_shape(pixels.shape[-2:], pixels.dtype)
        place = tuple(int(i) for i in np.unravel_index(index, pixels.shape[:-2]))
        check_sources(pixels, place, self.allowed, home=self.file.filename)
        return read_image(pixels, place)

    def _pixels(self) -> h5py.Dataset:
        node = self.file.get(self.dataset)
        if not isinstance(node, h5py.Dataset):
            link = self.file.get(self.dataset, getlink=True) if node is None else None
            if isinstance(link, h5py.ExternalLink):
                raise FrameError("missing_file", f"{self.dataset} lies in {link.filename}, which cannot be opened")
            raise FrameError("no_image", f"{self.file.filename} has no dataset {self.dataset}")
        return node


def numbers(file: h5py.File, images: int, allowed: Allowed) -> dict[str, Sequence[Any]]:
    """Return the numbers beside the images, one for all or one for each, by the last part of their path.

    The unit of each stands beside it: `name`, `name@units`.
    """
    found: dict[str, Sequence[Any]] = {}

    def note(path: str, node: Any) -> None:
        if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiu":
            return
        if node.size == 1 or (node.shape == (images,) and images <= _MOST):
            name = path.rsplit("/", 1)[-1]
            values = read_allowed(node, (), allowed, home=file.filename)
            found.setdefault(name, [float(value) for value in np.ravel(values)])
            unit = node.attrs.get("units", "")
            found.setdefault(f"{name}@units", [unit.decode() if isinstance(unit, bytes) else str(unit)])

    file.visititems(note)
    return found


def find_datasets(file: h5py.File) -> tuple[str, ...]:
    """Find the images of an HDF5 file: what NeXus calls the signal, else the largest numeric dataset of 2-D or more.

    It is one dataset, or all that are numbered as it is: the master files of Eiger detectors link one for each of their
    data files (`data_000001`, ...), also to those that are not there.

    Raises
    ------
    FrameError
        `no_image`, when there is none.
    """
    found: dict[str, tuple[bool, int]] = {}

    def consider(path: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.ndim >= 2 and node.dtype.kind in "biuf" and node.size:
            named = node.parent.attrs.get("signal", b"")
            named = named.decode() if isinstance(named, bytes) else str(named)
            found[path] = ("signal" in node.attrs or named == path.rsplit("/", 1)[-1], node.size)

    file.visititems(consider)
    # visititems does not follow links; the master files of Eiger detectors hold their data behind external ones.
    linked, missing = [], []
    for path in _beneath(file, "entry/data", "entry/instrument/detector"):
        node, external = file.get(path), isinstance(file.get(path, getlink=True), h5py.ExternalLink)
        if path not in found:
            consider(path, node)
        linked += [path] if external else []
        missing += [path] if external and node is None and not _is_auxiliary(path) else []
    images = {path: rank for path, rank in found.items() if not _is_auxiliary(path)}
    if not (images or missing):
        images = found
    if images:
        best = max(images, key=lambda path: (*images[path], path))
    elif missing:
        best = missing[0]
    else:
        raise FrameError("no_image", f"{Path(file.filename).name} holds no numeric dataset of two dimensions or more")
    series = _series(best) if best in linked else None
    return tuple(sorted({best, *(path for path in linked if series and _series(path) == series)}))


def _beneath(file: h5py.File, *groups: str) -> Iterator[str]:
    for name in groups:
        group = file.get(name)
        yield from (f"{name}/{each}" for each in group) if isinstance(group, h5py.Group) else ()


def _series(path: str) -> str | None:
    """Return what the numbered datasets of one series have in common; None for one without a number."""
    return stem if (stem := re.sub(r"\d+$", "", path)) != path else None


def _is_auxiliary(path: str) -> bool:
    return any(word in path.rsplit("/", 1)[-1].lower() for word in ("mask", "flatfield", "background", "dark"))
