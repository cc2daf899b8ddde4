"""How detector writers lay frames out in files: one HDF5 dataset that grows, or a series of small files."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from camsortxs.adapters.chunks import read_image
from camsortxs.adapters.images import HDF5_SUFFIXES, open_images
from camsortxs.adapters.reference import PixelReference, as_images
from camsortxs.adapters.sources import Allowed, anywhere, check_sources, open_hdf5, read_allowed
from camsortxs.errors import FrameError
from camsortxs.frames import MAX_PIXELS, check_shape

MAX_EVENT_PIXELS = 8 * MAX_PIXELS
"""An event with more pixels than this is refused: it would not fit into the memory of a usual machine."""
_DATASET = "/entry/data/data"
_MAYBE_LATE = ("missing_file", "unreadable", "truncated", "no_image")


def read_hdf5(path: Path, reference: PixelReference, allowed: Allowed = anywhere) -> npt.NDArray[Any]:
    """Return the images of one event from a dataset (events * frames, height, width) or (events, frames, ...).

    They may lie in any other file that is `allowed`.

    Raises
    ------
    FrameError
        With reason `too_large`, before anything is read, and those of `check_shape` and `check_sources`.
    OSError, KeyError, IndexError
        When the file, the dataset or the frames are not there, yet.
    """
    with open_hdf5(path) as file:
        dataset = file[_dataset(reference)]
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            raise FrameError("no_image", f"{dataset.name} of {path.name} is no dataset")
        check_shape(dataset.shape[-2:], dataset.dtype)
        frames, index = _place(reference)
        if dataset.ndim == 3:
            selection = slice(index * frames, (index + 1) * frames)
        else:
            selection = slice(index, index + 1)
            frames = 1
        if dataset.ndim == 2:
            check_event(dataset.shape)
            return read_allowed(dataset, (), allowed, home=file.filename)
        check_event((frames, *dataset.shape[1:]))
        if dataset.shape[0] < selection.stop:
            raise IndexError(f"{dataset.shape[0]} frames in {path.name}, {selection.stop} announced")
        if prod((frames, *dataset.shape[1:-2])) == 1:
            place = (selection.start, *(0 for _ in dataset.shape[1:-2]))
            check_sources(dataset, place, allowed, home=file.filename)
            return read_image(dataset, place)[None]
        return read_allowed(dataset, (selection,), allowed, home=file.filename)


def read_file(path: Path, reference: PixelReference, allowed: Allowed = anywhere) -> npt.NDArray[Any]:
    """Return all images of one file of a series, (frames, height, width), which may point at others if `allowed`.

    Raises
    ------
    FrameError
        With reason `too_large`, before anything is read, and those of `as_images`.
    OSError
        When the file is not there, or not whole, yet.
    """
    path.stat()
    try:
        dataset = _dataset(reference) if path.suffix.lower() in HDF5_SUFFIXES else None
        with open_images(path, dataset, allowed) as images:
            first = images.read(0)
            check_event((len(images), *first.shape))
            return as_images([first, *(images.read(index) for index in range(1, len(images)))])
    except FrameError as error:
        if error.reason in _MAYBE_LATE:
            raise OSError(str(error)) from error
        raise


def file_names(reference: PixelReference, base: str) -> tuple[str, ...]:
    """Return the files that hold the images of one event.

    `base` is the path of the resource on this machine. Templates are of the old (`%s%s_%6.6d.tiff`) or the new style
    (`{:06d}.tiff`); without one, the resource is the file.

    Raises
    ------
    FrameError
        With reason `malformed`.
    """
    parameters = reference.parameters
    frames, index = _place(reference)
    if reference.form == "NPY_SEQ":
        return (f"{base}_{index}.npy",)
    template, filename = parameters.get("template"), parameters.get("filename", "")
    if not isinstance(template, str):
        return (base,)
    try:
        if reference.datum is not None:
            first = int(parameters.get("initial_number", 1 if reference.form == "AD_CBF" else 0)) + index * frames
            folder = f"{base.rstrip('/')}/"
            return tuple(template % (folder, filename, number) for number in range(first, first + frames))
        from bluesky_tiled_plugins.utils import compile_template  # brings pandas, xarray and threads: only where needed

        pattern = compile_template(template, str(filename))
        files = _files_per_event(parameters, frames)
        # Where the URI is a folder and the template a bare name, the writer ended the URI with a slash.
        joint = "/" if reference.uri.endswith("/") and not pattern.startswith("/") else ""
        return tuple(base + joint + pattern.format(index * files + place) for place in range(files))
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise FrameError("malformed", f"template {template[:80]!r}: {error}") from error


def check_event(shape: tuple[int, ...]) -> None:
    """Refuse what is too large by its declared shape.

    Raises
    ------
    FrameError
        With reason `too_large`.
    """
    if prod(shape[-2:]) > MAX_PIXELS or prod(shape) > MAX_EVENT_PIXELS:
        raise FrameError("too_large", f"an array of shape {shape} is too large")


def _place(reference: PixelReference) -> tuple[int, int]:
    """Return how many frames an event has, and which event of the resource this is."""
    if reference.datum is None:
        multiplier = reference.parameters.get("multiplier", reference.parameters.get("frame_per_point"))
        return multiplier if isinstance(multiplier, int) and multiplier > 0 else reference.frames, reference.index
    index = reference.datum.get("point_number", reference.datum.get("index"))
    frames = reference.parameters.get("frame_per_point") or 1
    if not isinstance(index, int) or not isinstance(frames, int) or index < 0 or frames < 1:
        raise FrameError("malformed", f"datum {dict(reference.datum)!r} has no point_number"[:200])
    return frames, index


def _files_per_event(parameters: Mapping[str, Any], frames: int) -> int:
    explicit = parameters.get("files_per_datum")
    if isinstance(explicit, int) and explicit > 0:
        return explicit
    if parameters.get("multiplier") or parameters.get("frame_per_point"):
        return frames
    chunk = parameters.get("chunk_shape")
    per_file = chunk[0] if isinstance(chunk, list | tuple) and chunk and isinstance(chunk[0], int) else frames
    return max(frames // max(per_file, 1), 1)


def _dataset(reference: PixelReference) -> str:
    parameters = reference.parameters
    return str(parameters.get("dataset") or parameters.get("path") or parameters.get("key") or _DATASET)
