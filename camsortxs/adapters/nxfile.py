"""Writing frames as NXsas-like HDF5: one stack a file, bitshuffle-LZ4, with what the readers look for."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from camsortxs.frames import Frame, Geometry

DATASET = "entry/data/data"


def write_frames(path: Path, frames: Sequence[Frame]) -> None:
    """Write frames of one shape and type as a stack (frames, height, width), with the geometry of the first.

    Masks go along as `entry/instrument/detector/pixel_mask` (frames, height, width), 1 = bad.

    Raises
    ------
    ValueError
        When the frames differ in shape or type.
    """
    if len({(frame.image.shape, frame.image.dtype) for frame in frames}) != 1:
        raise ValueError("the frames of one file have one shape and one type")
    with h5py.File(path, "w") as file:
        stack = np.stack([frame.image for frame in frames])
        chunk = (1, *stack.shape[1:])
        data = file.create_dataset(DATASET, data=stack, chunks=chunk, **hdf5plugin.Bitshuffle(cname="lz4"))
        data.parent.attrs.update(NX_class="NXdata", signal="data")
        mask = np.stack([frame.mask for frame in frames]).astype(np.uint8)
        detector = file.require_group("entry/instrument/detector")
        detector.create_dataset("pixel_mask", data=mask, chunks=chunk, **hdf5plugin.Bitshuffle(cname="lz4"))
        if frames[0].geometry is not None:
            _describe(file, frames[0].geometry)


def _describe(file: h5py.File, geometry: Geometry) -> None:
    detector = "entry/instrument/detector"
    row, column = geometry.beam_centre or (None, None)
    for path, value, unit in (
        (f"{detector}/distance", geometry.distance, "m"),
        (f"{detector}/x_pixel_size", geometry.pixel_size, "m"),
        (f"{detector}/beam_center_x", column, "pixel"),
        (f"{detector}/beam_center_y", row, "pixel"),
        ("entry/instrument/beam/incident_wavelength", geometry.wavelength, "m"),
        ("entry/sample/incidence_angle", geometry.incidence_angle, "degree"),
    ):
        if value is not None:
            file[path] = value
            file[path].attrs["units"] = unit
