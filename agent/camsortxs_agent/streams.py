"""What a descriptor says: which data keys are detectors, how many frames an event has, where the detector stood."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, TypeVar

from camsortxs.adapters.reference import PixelReference
from camsortxs.errors import FrameError
from camsortxs.frames import MIN_SIDE, Geometry
from camsortxs.metadata import Reading, devices, geometry, moving

T = TypeVar("T")


def field(document: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Return a field of a document.

    Raises
    ------
    FrameError
        With reason `malformed`, when it is missing or of another type.
    """
    value = document.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FrameError("malformed", f"{name!r} should be a {kind.__name__}, not a {type(value).__name__}")
    return value


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A data key whose values are images: `frames` an event, each of `shape` (height, width), as declared."""

    data_key: str
    name: str
    frames: int = 1
    shape: tuple[int, int] | None = None
    readings: tuple[Reading, ...] = ()

    @cached_property
    def geometry(self) -> Geometry | None:
        """Where it stood, by what does not move."""
        return geometry(self.readings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A descriptor: its detectors, and the data keys whose readings move the geometry (name, units)."""

    uid: str
    name: str
    detectors: tuple[Detector, ...]
    moving: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, start: Mapping[str, Any], descriptor: Mapping[str, Any]) -> "Stream":
        """Read a descriptor.

        Raises
        ------
        FrameError
            With reason `malformed`.
        """
        data_keys = field(descriptor, "data_keys", dict)
        images = {name: shape for name, spec in data_keys.items() if (shape := _image_shape(spec)) is not None}
        detectors = []
        for name, device in devices(start, descriptor, images).items():
            *leading, height, width = images[name]
            detectors.append(
                Detector(
                    data_key=str(name),
                    name=device.name,
                    frames=prod(n or 1 for n in leading),
                    shape=(height, width) if height and width else None,
                    readings=device.readings,
                )
            )
        return cls(
            uid=field(descriptor, "uid", str),
            name=str(descriptor.get("name", "primary")),
            detectors=tuple(detectors),
            moving=tuple(moving(data_keys, images)),
        )


@dataclass(slots=True)
class StreamResource:
    """A stream resource, and the index that its first event has: None while that is not known."""

    document: Mapping[str, Any]
    data_key: str
    origin: int | None

    def reference(self, index: int, detector: Detector) -> PixelReference:
        """Say where the pixels of event `index` lie.

        Raises
        ------
        FrameError
            With reason `malformed`.
        """
        if "uri" in self.document:
            uri = field(self.document, "uri", str)
        else:  # as event-model spelled it before 1.20
            root, path = str(self.document.get("root") or ""), field(self.document, "resource_path", str)
            uri = f"{root.rstrip('/')}/{path.lstrip('/')}" if root else path
        if index < (self.origin or 0):  # a place before the first image would be counted from the end
            raise FrameError("malformed", f"event {index} lies before the first one of its file, {self.origin}")
        parameters = self.document.get("parameters", self.document.get("resource_kwargs"))
        return PixelReference(
            uri=uri,
            form=str(self.document.get("mimetype") or self.document.get("spec")),
            parameters=parameters if isinstance(parameters, Mapping) else {},
            index=index - (self.origin or 0),
            frames=detector.frames,
            shape=detector.shape,
        )


def _image_shape(spec: Any) -> tuple[int | None, ...] | None:
    """Return the declared shape without axes of length 0 or 1, when it is that of images; None is any length."""
    if not isinstance(spec, Mapping) or spec.get("dtype") != "array":
        return None
    declared = spec.get("shape")
    if not isinstance(declared, list | tuple):
        return None
    shape = tuple(n if isinstance(n, int) else None for n in declared if n not in (0, 1))
    if len(shape) < 2 or any(n is not None and n < MIN_SIDE for n in shape[-2:]):
        return None
    return shape


def unpacked(unpack: Any, page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the documents of a page.

    Raises
    ------
    FrameError
        With reason `malformed`, before the first one.
    """
    try:
        documents = list(unpack(page))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FrameError("malformed", f"not a page: {type(error).__name__}: {error}") from error
    yield from documents
