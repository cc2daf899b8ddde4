"""What reading a compressed frame costs: the detector's own decoder on the chunk beside HDF5's filter."""

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from frames import SHAPE, all_real, real
from measure import COMMAND, measure

from camsortxs.adapters.chunks import decompress, read_image
from camsortxs.simulate import draw

MEGAPIXEL = 1_000_000
PEER = "h5py + hdf5plugin"


def rows() -> list[dict[str, Any]]:
    """Read frames that bitshuffle and LZ4 compressed, from a file that is in memory."""
    found = real()
    images = {"a simulated": draw("GISAXS", seed=1, shape=SHAPE).frame().image}
    if found is not None:
        images["a real"] = found.image.astype(np.int32)
    with tempfile.TemporaryDirectory() as folder, h5py.File(Path(folder, "frames.h5"), "w") as file:
        single = [_read(file, f"{which} Pilatus 2M frame", image) for which, image in images.items()]
        large = (frame.image for frame in all_real() if frame.image.size >= MEGAPIXEL)
        each = [_read(file, f"real frame {index}", image, rounds=15) for index, image in enumerate(large)]
    return [*single, _together(each)] if each else single


def _read(file: h5py.File, which: str, image: Any, *, rounds: int = 40) -> dict[str, Any]:
    packed = dict(hdf5plugin.Bitshuffle(cname="lz4"))
    data = file.create_dataset(which, data=image[None], chunks=(1, *image.shape), **packed)
    file.flush()
    agreement = {
        "equal": bool(np.array_equal(read_image(data, (0,)), data[0], equal_nan=image.dtype.kind == "f")),
        "decoder": "dectris-compression" if decompress else "h5py: no C compiler for dectris-compression",
        "compressed_mb": round(data.id.get_storage_size() / 1e6, 2),
    }
    ours, theirs = (lambda: read_image(data, (0,))), (lambda: data[0])
    return measure(f"read {which}, bitshuffle-LZ4", ours, PEER, theirs, rounds=rounds, agreement=agreement)


def _together(each: list[dict[str, Any]]) -> dict[str, Any]:
    """Say what the frames of all detectors come to: how much one gains depends on what is in it."""
    ratios = [row["ratio"] for row in each]
    return {
        "name": f"read each of {len(each)} real frames of a megapixel and more, bitshuffle-LZ4, median",
        "ours_ms": round(median(row["ours_ms"] for row in each), 3),
        "peer": PEER,
        "peer_ms": round(median(row["peer_ms"] for row in each), 3),
        "ratio": round(median(ratios), 3),
        "agreement": {
            "equal": all(row["agreement"]["equal"] for row in each),
            "lowest_ratio": min(ratios),
            "highest_ratio": max(ratios),
        },
        "command": COMMAND,
    }
