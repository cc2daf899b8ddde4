"""One image of an HDF5 dataset; what detectors compress by bitshuffle goes past the filters of the HDF5 library."""

from math import prod
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - importing it teaches h5py bitshuffle, LZ4, zstd
import numpy as np
import numpy.typing as npt

try:
    from dectris.compression import decompress
except ImportError:  # it comes as source and needs a C compiler: everything can be read without it
    decompress = None

_BITSHUFFLE = 32008
_FORMATS = {2: "bslz4", 3: "bszstd"}
_HEADER = 12
"""Bytes before the first block: the size of what is in there, and of a block. Each block tells its length in 4 more."""


def read_image(dataset: h5py.Dataset, place: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return image `place` of a dataset (*place, height, width); it may be read only.

    An image that is one chunk, compressed by bitshuffle with LZ4 or zstd as detectors do it, is fetched as it lies in
    the file and decoded in one pass, where `dectris-compression` is installed: HDF5's own way copies it twice more.

    Raises
    ------
    OSError
        When the chunk is damaged, or not written yet.
    """
    form = _form(dataset, place)
    if form is None:
        return np.asarray(dataset[place])
    unfiltered, chunk = dataset.id.read_direct_chunk((*place, 0, 0))
    if unfiltered:  # the writer left the filter out for this one
        return np.asarray(dataset[place])
    shape, size = dataset.shape[-2:], dataset.dtype.itemsize
    # The size within the chunk is a claim: for what it says beyond the image no room is made.
    if int.from_bytes(chunk[:8], "big") != prod(shape) * size:
        raise OSError(f"the chunk of image {place} does not hold an image of {shape}")
    if decompress is None:
        _check_blocks(chunk, beyond=prod(shape) % 8 * size)
        return np.asarray(dataset[place])
    try:
        return np.frombuffer(decompress(chunk, form, elem_size=size), dtype=dataset.dtype).reshape(shape)
    except (ValueError, RuntimeError) as error:
        raise OSError(f"the chunk of image {place} is damaged: {error}") from error


def _form(dataset: h5py.Dataset, place: tuple[int, ...]) -> str | None:
    """Return how bitshuffle compressed an image that is one chunk; None when it is another case, which HDF5 reads."""
    # A dataset of a virtual layout has no chunks.
    if dataset.chunks != (*(1 for _ in place), *dataset.shape[-2:]):
        return None
    creation = dataset.id.get_create_plist()
    if creation.get_nfilters() != 1:
        return None
    code, _, values, _ = creation.get_filter(0)
    if code != _BITSHUFFLE or len(values) < 5:
        return None
    if dataset.id.get_chunk_info_by_coord((*place, 0, 0)).byte_offset is None:  # not written: HDF5 fills it in
        return None
    return _FORMATS.get(values[4])


def _check_blocks(chunk: bytes, beyond: int) -> None:
    """Refuse a chunk that is cut short: HDF5's filter (hdf5plugin 7.1) reads on beyond its end, and may crash.

    `beyond` is the number of bytes after the last block: pixels that fill no group of eight stand there as they are.
    """
    at, end = _HEADER, len(chunk) - beyond
    while at < end:
        at += 4 + int.from_bytes(chunk[at : at + 4], "big")
    if at != end or at == _HEADER:
        raise OSError("a chunk is cut short")
