"""A file as a sequence of images, whatever its format: nothing but what is asked for is read."""

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Protocol

import fabio
import h5py
import hdf5plugin  # noqa: F401 - importing it teaches h5py bitshuffle, LZ4, zstd
import numpy as np
import numpy.typing as npt
import tifffile

from camsortxs.errors import FrameError
from camsortxs.frames import check_shape

HDF5_SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".nxs", ".nx", ".cxi"})
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
_MAR = frozenset(f".mar{pixels}" for pixels in (1200, 1600, 1800, 2000, 2300, 2400, 3000, 3450))
FABIO_SUFFIXES = frozenset({".edf", ".cbf", ".img", ".mccd", ".sfrm", ".gfrm", ".ge1", ".ge2", ".ge3", ".ge4", ".ge5"})
SUFFIXES = HDF5_SUFFIXES | TIFF_SUFFIXES | FABIO_SUFFIXES | _MAR | {".npy"}

MAX_UNPACKED = 2 * 1024**3
"""A gzipped file that unpacks to more bytes than this is refused."""


class Images(Protocol):
    """The images of one file."""

    @property
    def dataset(self) -> str | None:
        """Where in the file they are, for files that hold more than one thing."""
        ...

    @property
    def header(self) -> Mapping[str, Any]:
        """What the file says beside its pixels."""
        ...

    def __len__(self) -> int:
        """Count the images."""
        ...

    def read(self, index: int) -> npt.NDArray[Any]:
        """Return image `index`, (height, width)."""
        ...


@contextmanager
def open_images(path: Path, dataset: str | None = None) -> Iterator[Images]:
    """Open a TIFF, EDF, CBF, MAR, ADSC, HDF5/NeXus or NumPy file, gzipped or not.

    `dataset` names the images inside an HDF5 file; without it they are looked for.

    Raises
    ------
    FrameError
        `missing_file`, `unreadable`, `no_image`, `too_large`, and those of `check_shape`.
    """
    if not path.is_file():
        raise FrameError("missing_file", f"{path} is not a file")
    with _unpacked(path) as plain, _as_frame_errors(path):
        suffix = plain.suffix.lower()
        if suffix in HDF5_SUFFIXES or h5py.is_hdf5(plain):
            with h5py.File(plain, "r", locking=False) as file:
                yield _Hdf5Images(file, dataset or find_dataset(file))
        elif suffix == ".npy":
            yield _ArrayImages(np.load(plain, mmap_mode="r", allow_pickle=False))
        elif suffix in TIFF_SUFFIXES:
            with tifffile.TiffFile(plain) as file:
                yield _TiffImages(file)
        else:
            with fabio.open(str(plain)) as file:
                yield _FabioImages(file)


@dataclass(frozen=True)
class _ArrayImages:
    array: npt.NDArray[Any]
    dataset: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        check_shape(self.array.shape[-2:], self.array.dtype)
        return prod(self.array.shape[:-2])

    def read(self, index: int) -> npt.NDArray[Any]:
        return np.array(self.array[np.unravel_index(index, self.array.shape[:-2])])


@dataclass(frozen=True)
class _Hdf5Images:
    file: h5py.File
    dataset: str

    @property
    def header(self) -> Mapping[str, Any]:
        return Hdf5Header(self.file)

    def __len__(self) -> int:
        pixels = self._pixels()
        check_shape(pixels.shape[-2:], pixels.dtype)
        return prod(pixels.shape[:-2])

    def read(self, index: int) -> npt.NDArray[Any]:
        pixels = self._pixels()
        check_shape(pixels.shape[-2:], pixels.dtype)
        return np.asarray(pixels[tuple(int(i) for i in np.unravel_index(index, pixels.shape[:-2]))])

    def _pixels(self) -> h5py.Dataset:
        node = self.file.get(self.dataset)
        if not isinstance(node, h5py.Dataset):
            raise FrameError("no_image", f"{self.file.filename} has no dataset {self.dataset}")
        return node


@dataclass(frozen=True)
class _TiffImages:
    file: tifffile.TiffFile
    dataset: str | None = None

    @property
    def header(self) -> Mapping[str, Any]:
        """The text of every tag: detectors write their headers into descriptions and private tags."""
        return {
            tag.name: tag.value for tag in self.file.pages[0].tags.values() if isinstance(tag.value, (str, float, int))
        }

    def __len__(self) -> int:
        return len(self.file.pages)

    def read(self, index: int) -> npt.NDArray[Any]:
        page = self.file.pages[index]
        check_shape(page.shape, page.dtype)
        return np.asarray(page.asarray())


@dataclass(frozen=True)
class _FabioImages:
    file: Any
    dataset: str | None = None

    @property
    def header(self) -> Mapping[str, Any]:
        return dict(self.file.header)

    def __len__(self) -> int:
        check_shape(self.file.shape, self.file.dtype)
        return int(self.file.nframes)

    def read(self, index: int) -> npt.NDArray[Any]:
        return np.asarray(self.file.get_frame(index).data)


class Hdf5Header(dict[str, Any]):
    """The scalar datasets of an HDF5 file by the last part of their path, the unit beside: `name`, `name@units`."""

    def __init__(self, file: h5py.File) -> None:
        super().__init__()

        def note(path: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset) and node.size == 1 and node.dtype.kind in "fiu":
                name = path.rsplit("/", 1)[-1]
                self.setdefault(name, float(np.ravel(node[()])[0]))
                unit = node.attrs.get("units", "")
                self.setdefault(f"{name}@units", unit.decode() if isinstance(unit, bytes) else str(unit))

        file.visititems(note)


def find_dataset(file: h5py.File) -> str:
    """Find the images of an HDF5 file: what NeXus calls the signal, else the largest numeric dataset of 2-D or more.

    Raises
    ------
    FrameError
        `no_image`, when there is none.
    """
    found: list[tuple[bool, int, str]] = []

    def consider(path: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.ndim >= 2 and node.dtype.kind in "biuf" and node.size:
            named = node.parent.attrs.get("signal", b"")
            named = named.decode() if isinstance(named, bytes) else str(named)
            signal = "signal" in node.attrs or named == path.rsplit("/", 1)[-1]
            found.append((signal, node.size, path))

    file.visititems(consider)
    # visititems does not follow links; the master files of Eiger detectors hold their data behind external ones.
    for group in ("entry/data", "entry/instrument/detector"):
        for name in file.get(group, {}):
            node = file.get(f"{group}/{name}")
            if node is not None and not any(path == f"{group}/{name}" for _, _, path in found):
                consider(f"{group}/{name}", node)
    images = [entry for entry in found if not _is_auxiliary(entry[2])] or found
    if not images:
        raise FrameError("no_image", f"{Path(file.filename).name} holds no numeric dataset of two dimensions or more")
    return max(images)[2]


def _is_auxiliary(path: str) -> bool:
    return any(word in path.rsplit("/", 1)[-1].lower() for word in ("mask", "flatfield", "background", "dark"))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Unpack a gzipped file into a temporary one of its inner name; leave others alone."""
    if path.suffix.lower() != ".gz":
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="camsortxs-") as folder:
        plain = Path(folder, path.stem)
        try:
            with gzip.open(path) as packed, plain.open("wb") as target:
                shutil.copyfileobj(_Limited(packed), target)
        except (OSError, EOFError) as error:
            raise FrameError("unreadable", f"{path.name} cannot be unpacked: {error}") from error
        yield plain


class _Limited:
    """A stream that refuses to give more than `MAX_UNPACKED` bytes."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._left = MAX_UNPACKED

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise FrameError("too_large", f"unpacks to more than {MAX_UNPACKED / 1024**3:.0f} GiB")
        return block


@contextmanager
def _as_frame_errors(path: Path) -> Iterator[None]:
    """Turn what the format libraries raise on bad files into one error that says which file."""
    try:
        yield
    except FrameError:
        raise
    except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, RuntimeError, AttributeError) as error:
        raise FrameError("unreadable", f"{path.name} cannot be read: {error}") from error
