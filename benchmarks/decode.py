"""What reading a compressed frame costs: the detector's own decoder on the chunk beside HDF5's filter."""

import tempfile
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from frames import SHAPE, real
from measure import measure

from camsortxs.adapters.chunks import decompress, read_image
from camsortxs.simulate import draw


def rows() -> list[dict[str, Any]]:
    """Read frames of a Pilatus 2M that bitshuffle and LZ4 compressed, from a file that is in memory."""
    found = real()
    images = {"a simulated": draw("GISAXS", seed=1, shape=SHAPE).frame().image}
    if found is not None:
        images["a real"] = found.image.astype(np.int32)
    with tempfile.TemporaryDirectory() as folder, h5py.File(Path(folder, "frames.h5"), "w") as file:
        return [_read(file, which, image) for which, image in images.items()]


def _read(file: h5py.File, which: str, image: Any) -> dict[str, Any]:
    packed = dict(hdf5plugin.Bitshuffle(cname="lz4"))
    data = file.create_dataset(which, data=image[None], chunks=(1, *image.shape), **packed)
    file.flush()
    agreement = {
        "equal": bool(np.array_equal(read_image(data, (0,)), data[0])),
        "decoder": "dectris-compression" if decompress else "h5py: no C compiler for dectris-compression",
        "compressed_mb": round(data.id.get_storage_size() / 1e6, 2),
    }
    name = f"read {which} Pilatus 2M frame, bitshuffle-LZ4"
    ours, theirs = (lambda: read_image(data, (0,))), (lambda: data[0])
    return measure(name, ours, "h5py + hdf5plugin", theirs, rounds=40, agreement=agreement)
