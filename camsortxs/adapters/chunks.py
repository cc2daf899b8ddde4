"""One image of an HDF5 dataset; what detectors compress by bitshuffle goes past the filters of the HDF5 library."""

from math import prod
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - importing it teaches h5py bitshuffle, LZ4, zstd
import numpy as np
import numpy.typing as npt

from camsortxs.adapters.parts import BITSHUFFLE, check_blocks, filters_of, read_part, read_stored
from camsortxs.errors import FrameError

try:
    from dectris.compression import decompress
except ImportError:  # it comes as source and needs a C compiler: everything can be read without it
    decompress = None

_FORMATS = {2: "bslz4", 3: "bszstd"}


def read_image(dataset: h5py.Dataset, place: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return image `place` of a dataset (*place, height, width); it may be read only.

    An image that is one chunk, compressed by bitshuffle with LZ4 or zstd as detectors do it, is fetched as it lies in
    the file and decoded in one pass, where `dectris-compression` is installed: HDF5's own way copies it twice more.

    Raises
    ------
    FrameError
        As of `read_part`.
    OSError
        When the chunk is damaged, or not written yet.
    """
    form = _form(dataset)
    stored = read_stored(dataset, (*place, 0, 0)) if form else None
    if stored is None or stored[0]:  # never written, or the writer left the filter out for this one
        return read_part(dataset, place)
    chunk, shape, size = stored[1], dataset.shape[-2:], dataset.dtype.itemsize
    # The size within the chunk is a claim: for what it says beyond the image no room is made.
    claimed = int.from_bytes(chunk[:8], "big")
    if claimed > prod(shape) * size:
        raise FrameError(
            "too_large", f"the chunk of image {place} claims {claimed} bytes, which no image of {shape} has"
        )
    if claimed < prod(shape) * size:
        raise OSError(f"the chunk of image {place} does not hold an image of {shape}")
    if decompress is None:
        check_blocks(chunk, beyond=prod(shape) % 8 * size)
        return np.asarray(dataset[place])
    try:
        return np.frombuffer(decompress(chunk, form, elem_size=size), dtype=dataset.dtype).reshape(shape)
    except (ValueError, RuntimeError) as error:
        raise OSError(f"the chunk of image {place} is damaged: {error}") from error


def _form(dataset: h5py.Dataset) -> str | None:
    """Return how bitshuffle compressed images that are one chunk each; None when it is another case."""
    # A dataset of a virtual layout has no chunks.
    if dataset.chunks is None or dataset.chunks != (*(1 for _ in dataset.shape[:-2]), *dataset.shape[-2:]):
        return None
    filters = filters_of(dataset)
    if len(filters) != 1 or filters[0][0] != BITSHUFFLE:
        return None
    return _FORMATS.get(filters[0][1][4] if len(filters[0][1]) > 4 else 0)
