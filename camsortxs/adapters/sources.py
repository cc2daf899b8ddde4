"""Where the pixels of an HDF5 dataset really lie: behind links, or as a mosaic of other datasets in other files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from camsortxs.adapters.mosaics import behind, used
from camsortxs.adapters.parts import Selection, check_part, read_part, whole
from camsortxs.errors import FrameError

Allowed = Callable[[Path], object]
"""Raises `FrameError` for a file that is not to be read."""
_DEEPEST = 5
_SAME = "."
"""The file that the virtual dataset itself is in."""


def anywhere(path: Path) -> None:
    """Allow any file: who names a file on a command line may read what it points at."""


def open_hdf5(path: Path) -> h5py.File:
    """Open a file that may be being written.

    Raises
    ------
    OSError
        When it is not there, or not HDF5.
    """
    path.stat()  # a missing file is a FileNotFoundError whatever the version of h5py
    try:
        return h5py.File(path, "r", swmr=True, locking=False)
    except (OSError, ValueError):  # written without SWMR in mind
        return h5py.File(path, "r", locking=False)


def read_allowed(
    dataset: h5py.Dataset, selection: tuple[int | slice, ...], allowed: Allowed, *, home: str
) -> npt.NDArray[Any]:
    """Return `dataset[selection]`; errors as of `check_sources` and `read_part`."""
    check_sources(dataset, selection, allowed, home=home)
    return read_part(dataset, selection)


def check_sources(dataset: h5py.Dataset, selection: tuple[int | slice, ...], allowed: Allowed, *, home: str) -> None:
    """Refuse a selection of a dataset that lies, in whole or in part, where nothing is to be read from.

    `home` is the name of the file that was opened, which is allowed. What the sources of a virtual dataset unpack to
    is checked as well: `read_part` does not see them.

    Raises
    ------
    FrameError
        What `allowed` raises, and as `read_part`.
    FileNotFoundError, KeyError, IndexError
        When a source of a virtual dataset is not there, or not long enough, yet: HDF5 would make up its pixels.
    """
    _check(dataset, selection, allowed, home, depth=0)


def _check(
    dataset: h5py.Dataset, selection: tuple[int | slice, ...], allowed: Allowed, home: str, *, depth: int
) -> None:
    here = h5py.h5f.get_name(dataset.id).decode()
    if here != home:
        try:
            allowed(Path(here))
        except FrameError:
            dataset.id.close()  # or the traceback keeps that file open, which HDF5 then opens in no other way
            raise
    creation = dataset.id.get_create_plist()
    layout = creation.get_layout()
    if layout == h5py.h5d.CONTIGUOUS and creation.get_external_count():
        raise FrameError("unsupported_form", f"{dataset.name} lies in a file that is not HDF5")
    if layout == h5py.h5d.VIRTUAL:
        _check_mosaic(dataset, whole(dataset, selection), allowed, depth=depth)
    elif depth:
        check_part(dataset, whole(dataset, selection))


def _check_mosaic(dataset: h5py.Dataset, selection: Selection, allowed: Allowed, *, depth: int) -> None:
    found = False
    for source in dataset.virtual_sources():
        places = used(source.vspace, dataset.shape, selection)
        if places is None:
            continue
        found = True
        if depth == _DEEPEST or "%" in source.file_name + source.dset_name:
            raise FrameError("unsupported_form", f"{dataset.name} points at {source.file_name[:200]} in an unusual way")
        with _opened(dataset, source.file_name, allowed) as file:
            inner = file[source.dset_name]
            if not isinstance(inner, h5py.Dataset) or inner.shape is None:
                raise FrameError("unsupported_form", f"{source.dset_name[:200]} in {file.filename} is no dataset")
            part = behind(places, source.src_space, inner.shape)
            if any(axis.stop > size for axis, size in zip(part, inner.shape, strict=True)):
                raise IndexError(f"{inner.shape} in {file.filename}, up to {[axis.stop for axis in part]} announced")
            _check(inner, part, allowed, file.filename, depth=depth + 1)
    if not found:
        raise IndexError(f"no source of {dataset.name} holds {selection}")


@contextmanager
def _opened(dataset: h5py.Dataset, name: str, allowed: Allowed) -> Iterator[h5py.File]:
    """Open the file of a source, where HDF5 looks for it first: where its name says, or beside the dataset's own.

    Raises
    ------
    FileNotFoundError
        When it is in neither place, even where HDF5 would go on to look in the folder that we were started in.
    """
    if name == _SAME:
        yield dataset.file
        return
    here = Path(dataset.file.filename)
    places = (here.parent / name, here.parent / (Path(name).name if Path(name).is_absolute() else name))
    path = next((path for path in (*places, here.resolve().parent / name) if path.exists()), None)
    if path is None:
        raise FileNotFoundError(2, "a source of a virtual dataset is not there", str(places[0]))
    allowed(path)
    with open_hdf5(path) as file:
        yield file
