"""Writing frames as NXsas-like HDF5: stacks, bitshuffle-LZ4, with what the readers look for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import h5py
import hdf5plugin
import numpy as np

from camsortxs.frames import Frame, Geometry

DATASET = "entry/data/data"
PARAMETERS = "entry/simulation/parameters"
_GROUPS = {
    "entry": "NXentry",
    "entry/data": "NXdata",
    "entry/instrument": "NXinstrument",
    "entry/instrument/detector": "NXdetector",
    "entry/instrument/beam": "NXbeam",
    "entry/sample": "NXsample",
    "entry/simulation": "NXcollection",
}
MOST_FRAMES = 1000
"""Frames a file; then the next one begins."""


class FrameFiles:
    """Writes frames into `folder`: one stack for all frames of a name, a shape and a type, up to `most` a file.

    Masks go along as `entry/instrument/detector/pixel_mask` (frames, height, width), 1 = bad; the geometry as one value
    a frame, NaN where it is not known; whatever else is known of a frame as JSON in `entry/simulation/parameters`.
    """

    def __init__(self, folder: Path, most: int = MOST_FRAMES) -> None:
        self.folder, self.most = folder, most
        self._open: dict[str, h5py.File] = {}
        self._written: dict[str, int] = {}

    def write(self, name: str, frame: Frame, parameters: Mapping[str, Any] | None = None) -> tuple[str, int]:
        """Append a frame; return the file's name and the frame's place in it."""
        stack = "_".join((name, "x".join(map(str, frame.image.shape)), str(frame.image.dtype)))
        number, place = divmod(self._written.get(stack, 0), self.most)
        file_name = f"{stack}_{number:03d}.h5"
        if place == 0:
            if stack in self._open:
                self._open[stack].close()
            self._open[stack] = _new_file(self.folder / file_name)
        _append(self._open[stack], place, frame, parameters or {})
        self._written[stack] = self._written.get(stack, 0) + 1
        return file_name, place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._open.values():
            file.close()


def _new_file(path: Path) -> h5py.File:
    file = h5py.File(path, "w")
    file.attrs["default"] = "entry"
    for group, kind in _GROUPS.items():
        file.require_group(group).attrs["NX_class"] = kind
    file["entry"].attrs["default"] = "data"
    file["entry/data"].attrs["signal"] = "data"
    file["entry/definition"] = "NXsas"
    return file


def _append(file: h5py.File, place: int, frame: Frame, parameters: Mapping[str, Any]) -> None:
    packed = dict(hdf5plugin.Bitshuffle(cname="lz4"))
    _put(file, DATASET, place, frame.image, **packed)
    _put(file, "entry/instrument/detector/pixel_mask", place, frame.mask.astype(np.uint8), **packed)
    for path, value, unit in _described(frame.geometry or Geometry()):
        if value is not None or path in file:
            found = _put(file, path, place, np.float64(np.nan if value is None else value), fillvalue=np.nan)
            found.attrs["units"] = unit
    _put(file, PARAMETERS, place, json.dumps(dict(parameters)), dtype=h5py.string_dtype())


def _put(file: h5py.File, path: str, place: int, value: Any, **options: Any) -> h5py.Dataset:
    """Set row `place` of a dataset that grows with its file."""
    if path not in file:
        shape, dtype = np.shape(value), options.pop("dtype", None) or np.asarray(value).dtype
        chunk = (1, *shape) if shape else (256,)
        file.create_dataset(path, (0, *shape), maxshape=(None, *shape), dtype=dtype, chunks=chunk, **options)
    dataset = file[path]
    dataset.resize(place + 1, axis=0)
    dataset[place] = value
    return dataset


def _described(geometry: Geometry) -> tuple[tuple[str, float | None, str], ...]:
    detector = "entry/instrument/detector"
    row, column = geometry.beam_centre or (None, None)
    return (
        (f"{detector}/distance", geometry.distance, "m"),
        (f"{detector}/x_pixel_size", geometry.pixel_size, "m"),
        (f"{detector}/beam_center_x", column, "pixel"),
        (f"{detector}/beam_center_y", row, "pixel"),
        ("entry/instrument/beam/incident_wavelength", geometry.wavelength, "m"),
        ("entry/sample/incidence_angle", geometry.incidence_angle, "degree"),
    )
