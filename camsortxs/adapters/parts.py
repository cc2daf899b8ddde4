"""Parts of HDF5 datasets, read once it is known that none of their chunks unpacks to more than it is declared to hold.

HDF5's filters make room for whatever a chunk claims, and its chunks may be larger than the dataset that they belong to.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from camsortxs.adapters import claims
from camsortxs.errors import FrameError
from camsortxs.frames import MAX_PIXELS

BITSHUFFLE = 32008
_SHUFFLE, _CHECKSUM, _LZ4 = 2, 3, 32004
_CLAIMS: Mapping[int, Callable[[bytes, int], int]] = {
    h5py.h5z.FILTER_DEFLATE: claims.deflate,
    h5py.h5z.FILTER_SZIP: claims.szip,
    h5py.h5z.FILTER_LZF: claims.lzf,
    32001: claims.blosc,
    _LZ4: claims.blocks,
    BITSHUFFLE: claims.blocks,
    32015: claims.zstd,
}
_BY_VALUES = (h5py.h5z.FILTER_NBIT, h5py.h5z.FILTER_SCALEOFFSET)
"""These make room for as many numbers of a size as the values of the filter say."""
_SLACK = 4096
_HEADER = 12
"""Bytes before the first block of LZ4 and bitshuffle: the size of all, and of a block. Each tells its own in 4 more."""

Filter = tuple[int, Sequence[int]]
Selection = tuple[slice, ...]


def read_part(dataset: h5py.Dataset, selection: tuple[int | slice, ...]) -> npt.NDArray[Any]:
    """Return `dataset[selection]`.

    Raises
    ------
    FrameError
        With reason `too_large`, when a chunk claims more than it is declared to hold, or is declared to hold more than
        the largest image; `unsupported_form`, when nobody can say what a filter unpacks to.
    OSError
        When a chunk is damaged.
    """
    check_part(dataset, whole(dataset, selection))
    return np.asarray(dataset[selection])


def whole(dataset: h5py.Dataset, selection: tuple[int | slice, ...]) -> Selection:
    """Return a selection as one slice an axis.

    Raises
    ------
    IndexError
        When an index is beyond the dataset.
    """
    slices = []
    for size, wanted in zip(dataset.shape, (*selection, *(slice(None) for _ in dataset.shape)), strict=False):
        if isinstance(wanted, int) and wanted >= size:
            raise IndexError(f"{wanted} of {size}")
        start, stop, _ = (slice(wanted, wanted + 1) if isinstance(wanted, int) else wanted).indices(size)
        slices.append(slice(start, stop))
    return tuple(slices)


def check_part(dataset: h5py.Dataset, selection: Selection) -> None:
    """Refuse a selection before it is read; errors as of `read_part`."""
    if dataset.chunks is None or not all(part.start < part.stop for part in selection):
        return
    filters = filters_of(dataset)
    if not filters:
        return
    if prod(dataset.chunks) > MAX_PIXELS:
        raise FrameError("too_large", f"chunks of {dataset.chunks} in {dataset.name} are larger than any image")
    for part in dataset.iter_chunks(selection):
        stored = read_stored(dataset, tuple(s.start // n * n for s, n in zip(part, dataset.chunks, strict=True)))
        if stored is not None:
            _check(dataset, [f for place, f in enumerate(filters) if not stored[0] >> place & 1], stored[1])


def filters_of(dataset: h5py.Dataset) -> list[Filter]:
    """Return code and values of the filters that chunks went through, in that order."""
    creation = dataset.id.get_create_plist()
    return [creation.get_filter(place)[:3:2] for place in range(creation.get_nfilters())]


def read_stored(dataset: h5py.Dataset, corner: tuple[int, ...]) -> tuple[int, bytes] | None:
    """Return a chunk as it lies in the file, behind a bit for each filter that it was spared; None: never written.

    Raises
    ------
    FrameError
        With reason `too_large`: a file with holes may say that there is a lot.
    """
    info = dataset.id.get_chunk_info_by_coord(corner)
    if info.byte_offset is None:
        return None
    declared = prod(dataset.chunks) * dataset.dtype.itemsize
    if info.size > 2 * declared + _SLACK:
        raise FrameError(
            "too_large", f"a chunk of {dataset.name} has {info.size} bytes, packed, and {declared} unpacked"
        )
    mask, packed = dataset.id.read_direct_chunk(corner)
    return mask, packed


def check_blocks(packed: bytes, *, beyond: int) -> None:
    """Refuse a chunk of LZ4 or bitshuffle that is cut short: the filters (hdf5plugin 7.1) read on, and may crash.

    `beyond` is the number of bytes after the last block: for bitshuffle, the pixels that fill no group of eight.

    Raises
    ------
    OSError
        When its blocks do not end where it does.
    """
    at, end = _HEADER, len(packed) - beyond
    while at < end:
        at += 4 + int.from_bytes(packed[at : at + 4], "big")
    if at != end or at == _HEADER:
        raise OSError("a chunk is cut short")


def _check(dataset: h5py.Dataset, filters: Sequence[Filter], packed: bytes) -> None:
    packing = [place for place, one in enumerate(filters) if not _keeps_the_size(one)]
    if not packing:
        return
    (place, *more), around = packing, filters[packing[-1] + 1 :]
    code, values = filters[place]
    if more or any(outer != _CHECKSUM for outer, _ in around) or not (code in _CLAIMS or code in _BY_VALUES):
        codes = [one for one, _ in filters]
        raise FrameError("unsupported_form", f"nobody says what HDF5's filters {codes} make of {dataset.name}")
    size = dataset.dtype.itemsize
    declared = prod(dataset.chunks) * size
    packed = packed[: len(packed) - 4 * len(around)]
    claimed = values[2] * values[4] if code in _BY_VALUES else _CLAIMS[code](packed, declared + _SLACK)
    if claimed > declared + _SLACK:
        raise FrameError(
            "too_large", f"a chunk of {dataset.name} claims more than the {declared} bytes that it has room for"
        )
    if code in (BITSHUFFLE, _LZ4):
        check_blocks(packed, beyond=prod(dataset.chunks) % 8 * size if code == BITSHUFFLE else 0)


def _keeps_the_size(one: Filter) -> bool:
    code, values = one
    return code in (_SHUFFLE, _CHECKSUM) or (code == BITSHUFFLE and (len(values) < 5 or not values[4]))
