"""Archived runs whose technique somebody wrote down: what a model may learn from."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import numpy as np
from tiled.client.container import Container
from tiled.queries import Key, KeyPresent

from camsortxs import derived
from camsortxs.adapters.tiled.arrays import Images, image_arrays
from camsortxs.adapters.tiled.connection import Catalogue
from camsortxs.errors import FrameError, SourceError
from camsortxs.frames import Frame, FrameKey, Rejected

HUMAN = f"{derived.INDEX_KEY}.human.technique"
"""Where a person's label stands in the metadata of a raw run."""
_INSTRUMENTS = ("instrument", "beamline_id", "beamline")
_SAMPLES = ("sample", "sample_name")
_STREAM = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRun:
    """A run, what was written down as its technique and by whom, and the group that it must not be separated from."""

    uid: str
    label: str
    by: Literal["human", "start document"]
    group: str


@dataclass(frozen=True, kw_only=True)
class LabelledRuns:
    """The complete runs of a catalogue that carry a label, those that a human has labelled first.

    `query` are keys of the start document and their values. `label_key` is the key of the start document where the
    site writes the technique; a human label on the same run wins. What a machine has said is never used. The group is
    the instrument and the sample, or the run where there is no sample, or what stands under `group_key`. Keys may have
    dots: `sample.name`.
    """

    catalogue: Catalogue
    query: Mapping[str, Any] = field(default_factory=dict)
    label_key: str | None = None
    group_key: str | None = None

    def count(self) -> int:
        """Count the runs with a label, complete or not; one that has two counts twice.

        Raises
        ------
        SourceError
            When the server is out of reach, or has no such container.
        """
        with _as_source_errors():
            return sum(len(self._with(key)) for key in self._keys())

    def runs(self) -> Iterator[LabelledRun]:
        """Yield the runs, page by page, in the order of the archive.

        Raises
        ------
        SourceError
            As of `count`.
        """
        with _as_source_errors():
            for key in self._keys():
                for uid, run in self._with(key).items():
                    start, human = run.metadata.get("start"), _at(run.metadata, HUMAN)
                    if start is None or "stop" not in run.metadata or (key != HUMAN and human is not None):
                        continue
                    yield LabelledRun(
                        uid=uid,
                        label=str(human if key == HUMAN else _at(run.metadata, key)).strip(),
                        by="human" if key == HUMAN else "start document",
                        group=self._group(uid, start),
                    )

    def _keys(self) -> list[str]:
        return [HUMAN, *([f"start.{self.label_key}"] if self.label_key else [])]

    def _with(self, key: str) -> Any:
        # The catalogue's own search() looks below `start` only; a human label stands beside it.
        found = Container.search(self.catalogue.raw, KeyPresent(key))
        for name, value in self.query.items():
            found = Container.search(found, Key(f"start.{name}") == value)
        return found

    def _group(self, uid: str, start: Mapping[str, Any]) -> str:
        if self.group_key is not None:
            return str(_at(start, self.group_key) or uid)
        instrument = _first(start, _INSTRUMENTS) or self.catalogue.address.split("?")[0]
        return f"{instrument} {_first(start, _SAMPLES) or uid}"


def frames_of_run(
    catalogue: Catalogue, uid: str, *, most: int, data_key: str | None = None
) -> Iterator[Frame | Rejected]:
    """Yield at most `most` frames of a run, spread over all that its detector took, and close the catalogue.

    Where several detectors took images, a label of the run does not say which of them it is about: name one by
    `data_key`. Other streams than `primary` (darks, baselines) are looked at only where that has no images.
    """
    try:
        with closing(catalogue), _as_frame_errors(uid):
            images = _detector(uid, list(image_arrays(catalogue.raw[uid])), data_key)
            count = images.count
            for index in np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist():
                key = FrameKey(run=uid, stream=images.stream, data_key=images.data_key, index=index)
                try:
                    yield images.frame(key)
                except FrameError as error:
                    yield Rejected(reason=error.reason, message=str(error), key=key, origin={"path": f"run {uid}"})
    except FrameError as error:
        yield Rejected(reason=error.reason, message=str(error), origin={"path": f"run {uid}"})


def _detector(uid: str, found: list[Images], data_key: str | None) -> Images:
    found = [images for images in found if data_key in (None, images.data_key)]
    found = [images for images in found if images.stream == _STREAM] or found
    names = sorted({images.data_key for images in found})
    if not names:
        raise FrameError("no_image", f"run {uid} has no images" + (f" under {data_key}" if data_key else ""))
    if len(names) > 1:
        raise FrameError("several_detectors", f"run {uid} has images of {', '.join(names)}: say which (--data-key)")
    return found[0]


def _at(document: Any, path: str) -> Any:
    """Return what stands at `a.b.c` of nested mappings, or None."""
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def _first(start: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these that the start document has, by its name where it is a mapping."""
    for name in names:
        value = start.get(name)
        value = value.get("name") if isinstance(value, Mapping) else value
        if value:
            return str(value)
    return None


@contextmanager
def _as_source_errors() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise SourceError(f"Tiled cannot be read: {error}. What was computed is kept: try again later") from error
    except KeyError as error:
        raise SourceError(f"Tiled has no container {error} at this address: see --raw-path") from error


@contextmanager
def _as_frame_errors(uid: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, KeyError) as error:
        raise FrameError("unreadable", f"run {uid} cannot be read from Tiled: {error}") from error
