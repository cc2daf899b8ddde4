"""Files and folders as a source: each file is a run, each of its images a frame."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camsortxs.adapters.headers import geometry_of
from camsortxs.adapters.images import SUFFIXES, Images, as_frame_errors, open_images
from camsortxs.adapters.unpack import PACKED_SUFFIXES
from camsortxs.errors import FrameError
from camsortxs.frames import Batch, Frame, FrameKey, Rejected, RunEnd
from camsortxs.masks import bad_pixels

_PLACE = re.compile(r"(?P<file>.+?)::(?=.)(?P<dataset>[^\[\]]+)?(\[(?P<index>\d+)\])?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file, or some of what is in it: `file.h5::entry/data/data[7]`, `file.tif::[7]`."""

    path: Path
    dataset: str | None = None
    index: int | None = None

    @classmethod
    def parse(cls, text: str | Path) -> "Place":
        """Read a place as it is written on a command line.

        >>> Place.parse("a/b.h5::entry/data[3]")
        Place(path=PosixPath('a/b.h5'), dataset='entry/data', index=3)
        """
        match = _PLACE.match(str(text))
        if match is None:
            return cls(path=Path(text))
        index = None if match["index"] is None else int(match["index"])
        return cls(path=Path(match["file"]), dataset=match["dataset"], index=index)


@dataclass(frozen=True)
class FolderFrames:
    """The images of files (any format of `open_images`), of folders below each other, and of `file.h5::dataset[index]`.

    A folder gives its files of known formats, sorted by path. Frames come in batches of at most `batch`; the metadata
    of the header travels along unless `geometry` is off. What cannot be read is `Rejected`, with `path`, `dataset`
    and `index` as its origin, and stops nothing.
    """

    paths: Sequence[str | Path]
    batch: int = field(default=16, kw_only=True)
    geometry: bool = field(default=True, kw_only=True)

    def batches(self) -> Iterator[Batch]:
        """Yield the frames of every file, then the end of it as a run."""
        for place in self.places():
            yield from self._file(place)

    def places(self) -> Iterator[Place]:
        """Find the files, without opening them."""
        for path in self.paths:
            place = Place.parse(path)
            if place.path.is_dir():
                yield from (Place(path=found) for found in sorted(place.path.rglob("*")) if _is_known(found))
            else:
                yield place

    def _file(self, place: Place) -> Iterator[Batch]:
        frames: list[Frame] = []
        rejected: list[Rejected] = []
        parts = [place]
        for part in parts:
            try:
                with open_images(part.path, part.dataset) as images:
                    if part.index is None:
                        parts += [replace(part, dataset=name) for name in images.further]
                    for index in _wanted(part, images):
                        try:
                            frames.append(self._frame(part, images, index))
                        except FrameError as error:
                            rejected.append(_refusal(error, part, images.dataset, index))
                        if len(frames) + len(rejected) >= self.batch:
                            yield Batch(frames=tuple(frames), rejected=tuple(rejected))
                            frames, rejected = [], []
            except FrameError as error:
                rejected.append(_refusal(error, part, part.dataset, part.index))
        yield Batch(frames=tuple(frames), rejected=tuple(rejected), ended=(RunEnd(run=str(place.path)),))

    def _frame(self, place: Place, images: Images, index: int) -> Frame:
        with as_frame_errors(place.path):
            image = images.read(index)
        return Frame(
            key=_key(place, images.dataset, index),
            image=image,
            mask=bad_pixels(image),
            geometry=_fitting(images, index, image.shape) if self.geometry else None,
        )


def _is_known(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    suffix = suffixes[0] if suffixes and suffixes[-1] in PACKED_SUFFIXES else "".join(suffixes[-1:])
    return path.is_file() and suffix in SUFFIXES


def _wanted(place: Place, images: Images) -> Iterable[int]:
    count = len(images)
    if count == 0:
        raise FrameError("no_image", f"{place.path.name} holds no image")
    if place.index is None:
        return range(count)
    if place.index >= count:
        raise FrameError("no_image", f"{place.path.name} has {count} images, there is no [{place.index}]")
    return [place.index]


def _key(place: Place, dataset: str | None, index: int) -> FrameKey:
    return FrameKey(run=str(place.path), stream="primary", data_key=dataset or "image", index=index)


def _refusal(error: FrameError, place: Place, dataset: str | None, index: int | None) -> Rejected:
    origin: dict[str, Any] = {"path": str(place.path), "dataset": dataset, "index": index}
    return Rejected(
        reason=error.reason,
        message=str(error),
        origin=origin,
        key=_key(place, dataset, index if index is not None else 0),
    )


def _fitting(images: Images, index: int, shape: tuple[int, ...]) -> Any:
    """Return the geometry of the header, unless its beam centre is nowhere near the image: then it is another one's."""
    geometry = geometry_of(images.header(index))
    if geometry is None or geometry.beam_centre is None:
        return geometry
    near = all(-2 * side < place < 3 * side for place, side in zip(geometry.beam_centre, shape, strict=True))
    return geometry if near else None
