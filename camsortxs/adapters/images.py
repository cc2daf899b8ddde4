"""A file as a sequence of images, whatever its format: nothing but what is asked for is read."""

import logging
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import fabio
import h5py
import numpy as np
import numpy.typing as npt
import tifffile

from camsortxs.adapters.declared import check_file, check_frame, check_page
from camsortxs.adapters.hdf5 import Hdf5Images, find_datasets
from camsortxs.adapters.reference import check_colour
from camsortxs.adapters.sources import Allowed, anywhere
from camsortxs.adapters.unpack import unpacked
from camsortxs.errors import FrameError
from camsortxs.frames import check_shape

HDF5_SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".nxs", ".nx", ".cxi"})
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
_MAR = frozenset(f".mar{pixels}" for pixels in (1200, 1600, 1800, 2000, 2300, 2400, 3000, 3450))
FABIO_SUFFIXES = frozenset({".edf", ".cbf", ".img", ".mccd", ".sfrm", ".gfrm", ".ge1", ".ge2", ".ge3", ".ge4", ".ge5"})
SUFFIXES = HDF5_SUFFIXES | TIFF_SUFFIXES | FABIO_SUFFIXES | _MAR | {".npy"}


class Images(Protocol):
    """The images of one file."""

    @property
    def dataset(self) -> str | None:
        """Where in the file they are, for files that hold more than one thing."""
        ...

    @property
    def further(self) -> tuple[str, ...]:
        """In which other datasets of the file they go on, for one that was not named."""
        ...

    def header(self, index: int) -> Mapping[str, Any]:
        """Return what the file says beside the pixels of image `index`."""
        ...

    def __len__(self) -> int:
        """Count the images."""
        ...

    def read(self, index: int) -> npt.NDArray[Any]:
        """Return image `index`, (height, width)."""
        ...


@contextmanager
def open_images(path: Path, dataset: str | None = None, allowed: Allowed = anywhere) -> Iterator[Images]:
    """Open a TIFF, EDF, CBF, MAR, ADSC, Bruker, GE, HDF5/NeXus or NumPy file, packed by gzip or bzip2 or not.

    `dataset` names the images inside an HDF5 file; without it they are looked for. They may lie in any other file that
    is `allowed`.

    Raises
    ------
    FrameError
        `missing_file`, `unreadable`, `unsupported_form`, `no_image`, `too_large`, and those of `check_shape` and
        `check_colour`.
    """
    if not path.is_file():
        raise FrameError("missing_file", f"{path} is not a file")
    with unpacked(path) as plain, as_frame_errors(path):
        suffix = plain.suffix.lower()
        if suffix in HDF5_SUFFIXES or h5py.is_hdf5(plain):
            with h5py.File(plain, "r", locking=False) as file:
                first, *further = [dataset] if dataset else find_datasets(file)
                images = Hdf5Images(file, first, allowed, tuple(further))
                check_colour(getattr(file.get(images.dataset), "shape", None) or ())
                yield images
        elif suffix == ".npy":
            yield _ArrayImages(np.load(plain, mmap_mode="r", allow_pickle=False))
        elif suffix in TIFF_SUFFIXES:
            with tifffile.TiffFile(plain) as file:
                yield _TiffImages(file)
        else:
            check_file(plain)
            with fabio.open(str(plain)) as file:
                yield _FabioImages(file)


@dataclass(frozen=True)
class _ArrayImages:
    array: npt.NDArray[Any]
    dataset: str | None = None
    further: tuple[str, ...] = ()

    def header(self, index: int) -> Mapping[str, Any]:
        return {}

    def __len__(self) -> int:
        self._check()
        return prod(self.array.shape[:-2])

    def read(self, index: int) -> npt.NDArray[Any]:
        self._check()
        return np.array(self.array[np.unravel_index(index, self.array.shape[:-2])])

    def _check(self) -> None:
        check_shape(self.array.shape[-2:], self.array.dtype)
        check_colour(self.array.shape)


@dataclass(frozen=True)
class _TiffImages:
    file: tifffile.TiffFile
    dataset: str | None = None
    further: tuple[str, ...] = ()

    def header(self, index: int) -> Mapping[str, Any]:
        """Return the text of every tag: detectors write their headers into descriptions and private tags."""
        return {
            tag.name: tag.value for tag in self.file.pages[0].tags.values() if isinstance(tag.value, (str, float, int))
        }

    def __len__(self) -> int:
        return len(self.file.pages)

    def read(self, index: int) -> npt.NDArray[Any]:
        page = self.file.pages[index]
        check_page(page)
        return np.asarray(page.asarray())


@dataclass(frozen=True)
class _FabioImages:
    file: Any
    dataset: str | None = None
    further: tuple[str, ...] = ()

    def header(self, index: int) -> Mapping[str, Any]:
        return dict(self.file.header)

    def __len__(self) -> int:
        check_shape(self.file.shape, self.file.dtype)
        return int(self.file.nframes)

    def read(self, index: int) -> npt.NDArray[Any]:
        with _complaints() as complaints:
            frame = self.file.get_frame(index)
            check_frame(frame)
            image = np.asarray(frame.data)
        # fabio fills up a file that is cut short with made-up pixels, and only logs it.
        if complaints:
            raise FrameError("truncated", complaints[0])
        return image


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect the warnings that fabio logs meanwhile."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "incomplete" in record.getMessage():
                said.append(record.getMessage())

    listener, logger = Listener(logging.WARNING), logging.getLogger("fabio")
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)


# What the format libraries raise on files that are damaged, cut short, or not what their name says.
_DAMAGED = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    RuntimeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    tifffile.TiffFileError,
)


@contextmanager
def as_frame_errors(path: Path) -> Iterator[None]:
    """Turn what the format libraries raise on bad files into one error that says which file."""
    try:
        yield
    except Exception as error:
        # What fabio raises is often an `Exception` and no more.
        if not isinstance(error, _DAMAGED) and type(error) is not Exception:
            raise
        raise FrameError("unreadable", f"{path.name} cannot be read: {str(error) or type(error).__name__}") from error
