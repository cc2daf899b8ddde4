"""The images of an archived run: which arrays they are, and where the detector stood when each was taken."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import httpx
import numpy as np

from camsortxs.errors import FrameError
from camsortxs.frames import MIN_SIDE, Frame, FrameKey, Geometry, check_shape
from camsortxs.masks import bad_pixels
from camsortxs.metadata import Reading, devices, geometry, moving

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError)
"""What a table of an unheard-of kind leads to."""
_PASSING = (401, 429, 502, 503, 504)
"""Answers of a Tiled that is not well, or not well asked: they tell nothing of this table."""


class Column(NamedTuple):
    """What a motor read, a value an event."""

    name: str
    units: str | None
    values: Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images (..., height, width) of one detector, and where it stood.

    `columns` are the readings that were taken with each event; `readings` hold for all.
    """

    stream: str
    data_key: str
    detector: str
    array: Any
    readings: Sequence[Reading] = ()
    columns: Sequence[Column] = ()

    @cached_property
    def count(self) -> int:
        """How many images there are."""
        return prod(self.array.shape[:-2])

    def geometry(self, index: int) -> Geometry | None:
        """Return where the detector stood at image `index`; what was read with it comes first, as in the live agent."""
        taken = [
            Reading(column.name, column.values[index * len(column.values) // self.count], column.units)
            for column in self.columns
            # Where images and events do not go together nobody knows which reading is whose.
            if column.values and self.count % len(column.values) == 0
        ]
        return geometry([*taken, *self.readings])

    def frame(self, key: FrameKey) -> Frame:
        """Read one frame over HTTP.

        Raises
        ------
        FrameError
            With reason `unreadable` when Tiled answers with an error, and those of `Frame`.
        """
        check_shape(self.array.shape[-2:], self.array.dtype)
        place = tuple(int(i) for i in np.unravel_index(key.index, self.array.shape[:-2]))
        try:
            image = np.asarray(self.array.read(place))
        except httpx.HTTPStatusError as error:
            raise FrameError("unreadable", f"Tiled answered {error.response.status_code} for {key}") from error
        mask, where = bad_pixels(image), self.geometry(key.index)
        return Frame(key=key, image=image, mask=mask, geometry=where, detector=self.detector)


def image_arrays(run: Any) -> Iterator[Images]:
    """Find the image arrays of a run.

    In the layouts `run/<stream>/<key>` and `run/streams/<stream>/<key>`, and `run/<stream>/data/<key>` of databroker.
    """
    streams = _plain(run)
    if list(streams) == ["streams"]:
        streams = _plain(streams["streams"])
    for stream, node in streams.items():
        fields, described = dict(_plain(node).items()), node.metadata
        if "data" in fields and not hasattr(fields["data"], "shape"):
            fields, described = dict(fields["data"].items()), next(iter(described.get("descriptors") or ({},)))
        specs = keys if isinstance(keys := described.get("data_keys"), Mapping) else {}
        arrays = {data_key: array for data_key, array in fields.items() if _holds_images(array, specs.get(data_key))}
        columns = list(_columns(fields, specs, arrays)) if arrays else []
        for data_key, device in devices(run.metadata["start"], described, arrays).items():
            yield Images(
                stream=stream,
                data_key=data_key,
                detector=device.name,
                array=arrays[data_key],
                readings=device.readings,
                columns=columns,
            )


def _plain(node: Any) -> Any:
    """Return the container without the clients' own shortcuts."""
    return getattr(node, "base", node)


def _holds_images(node: Any, spec: Any) -> bool:
    """Say whether an array is one of images. Many long spectra look like one: `spec` tells, where there is one."""
    shape = getattr(node, "shape", ())
    declared = spec.get("shape") if isinstance(spec, Mapping) else None
    # Of images much is declared that is not so: (0, 0, 0) by a plugin that saw none yet. Only this says "a spectrum".
    spectra = isinstance(declared, list | tuple) and [n for n in declared if n != 1] == [*shape[-1:]]
    return len(shape) >= 2 and min(shape[-2:]) >= MIN_SIDE and not spectra


def _columns(fields: Mapping[str, Any], specs: Mapping[str, Any], images: Container[str]) -> Iterator[Column]:
    """Yield what was read of what moves the geometry: columns of a table, or arrays of their own."""
    for name, units in moving(specs, images):
        try:
            values = _read(name, fields)
        except httpx.HTTPStatusError as error:
            if error.response.status_code in _PASSING:
                raise
            continue
        except _UNREADABLE:  # its frames are named all the same, by less
            continue
        if np.ndim(values) == 1:
            yield Column(name, units, values.tolist())


def _read(name: str, fields: Mapping[str, Any]) -> Any:
    table = next((field for field in fields.values() if name in getattr(field, "columns", ())), None)
    if table is not None:
        return table.read([name])[name].to_numpy()
    return np.asarray(fields[name].read()) if len(getattr(fields.get(name), "shape", ())) == 1 else None
