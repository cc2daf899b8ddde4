"""Files of a folder as measurements: every one becomes a run and goes through Kafka like any other."""

import csv
from collections.abc import Iterator, Mapping
from itertools import cycle, groupby
from pathlib import Path
from typing import Any

from camsortxs.adapters.folder import FolderFrames, Place
from camsortxs.frames import Frame
from camsortxs.techniques import TECHNIQUES, Parent
from camsortxs_agent.demo.beamline import FORMS, INLINE_BYTES, Form
from camsortxs_agent.demo.scenario import Measurement, described

MAX_FRAMES = 64
"""So many images of one file are sent; the demo shows that the line works, not how fast it is."""


class Folder:
    """The detector files below `path`, in order, one run each (two where the images of a file differ in shape).

    A `labels.csv` beside them says what they are: `file`, `technique`, and, where a file holds more than one thing,
    `hdf5_dataset` and `frame_index`. After iterating, `unread` tells what never became a frame, and why.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unread: dict[str, str] = {}
        self._labels = _read_labels(path / "labels.csv")

    def __iter__(self) -> Iterator[Measurement]:
        """Read one file after another."""
        inline: Iterator[Form] = cycle(FORMS)
        by_file: Iterator[Form] = cycle(form for form in FORMS if not form.startswith("event"))
        for place in FolderFrames(paths=[self.path]).places():
            name = place.path.relative_to(self.path).as_posix()
            label = self._labels.get(name, {})
            for (_, nbytes, _), frames in groupby(self._frames(name, place, label), key=_kind):
                taken = list(frames)
                configuration, metadata = described(taken[0].geometry, dialect=1)
                yield Measurement(
                    name=place.path.name,
                    truth=_truth(label.get("technique")),
                    frames=[frame.image for frame in taken],
                    form=next(inline if nbytes <= INLINE_BYTES else by_file),
                    detector="detector",
                    configuration=configuration,
                    metadata=metadata,
                    mask=taken[0].mask,
                )

    def _frames(self, name: str, place: Place, label: Mapping[str, str]) -> list[Frame]:
        dataset, index = label.get("hdf5_dataset"), label.get("frame_index")
        text = f"{place.path}::{dataset}" + (f"[{index}]" if index else "") if dataset else str(place.path)
        frames: list[Frame] = []
        for batch in FolderFrames(paths=[text]).batches():
            for item in batch.rejected:
                where = name if item.origin["index"] is None else f"{name}[{item.origin['index']}]"
                self.unread[where] = f"{item.reason}: {item.message}"
            frames.extend(batch.frames)
            if len(frames) > MAX_FRAMES:
                self.unread[f"{name}[{MAX_FRAMES}:]"] = f"only {MAX_FRAMES} images of a file are sent"
                break
        return frames[:MAX_FRAMES]


def _kind(frame: Frame) -> tuple[Any, int, str]:
    """Return what is the same for all frames of one detector."""
    return frame.image.shape, frame.image.nbytes, frame.image.dtype.str


def _read_labels(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _truth(technique: str | None) -> str | None:
    return technique if technique in (*TECHNIQUES, Parent.NO_SIGNAL) else None
