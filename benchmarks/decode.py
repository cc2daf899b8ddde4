"""What reading a compressed frame costs: the detector's own decoder on the chunk beside HDF5's filter."""

import tempfile
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from measure import measure

from camsortxs.adapters.chunks import decompress, read_image
from camsortxs.simulate import draw


def rows() -> list[dict[str, Any]]:
    """Read frames of a Pilatus 2M that bitshuffle and LZ4 compressed, from a file that is in memory."""
    images = np.stack([draw(kind, seed=1, shape=(1679, 1475)).frame().image for kind in ("SAXS", "WAXS", "GISAXS")])
    with tempfile.TemporaryDirectory() as folder, h5py.File(Path(folder, "frames.h5"), "w") as file:
        options = dict(hdf5plugin.Bitshuffle(cname="lz4"))
        data = file.create_dataset("data", data=images, chunks=(1, *images.shape[1:]), **options)
        file.flush()
        equal = all(np.array_equal(read_image(data, (place,)), data[place]) for place in range(len(images)))
        how = "dectris-compression" if decompress else "h5py: no C compiler for dectris-compression"
        agreement = {"equal": equal, "decoder": how}
        return [
            measure(
                "read a Pilatus 2M frame, bitshuffle-LZ4",
                lambda: read_image(data, (2,)),
                "h5py + hdf5plugin",
                lambda: data[2],
                agreement=agreement,
            )
        ]
