"""A simulated area detector, in the four ways that facilities send pixels. It plays the beamline, not camSortXS."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import h5py
import numpy as np
import numpy.typing as npt

Configuration = Mapping[str, tuple[Any, str | None]]
Documents = Iterator[tuple[str, dict[str, Any]]]
DATASET = "/entry/data/data"


class Done:
    """A Bluesky status of something that took no time."""

    done = True
    success = True

    def add_callback(self, callback: Callable[["Done"], None]) -> None:
        """Call back at once."""
        callback(self)

    def exception(self, timeout: float | None = 0.0) -> None:
        """Nothing went wrong."""


class InlineDetector:
    """Puts its pixels into the events themselves: small frames, or a facility that raised the broker's limit.

    Plays back `frames` (frame, height, width), one a trigger; `configuration` is what its descriptor tells: a value
    and its unit, or None, by name.
    """

    external: ClassVar[dict[str, str]] = {}
    parent = None

    def __init__(self, name: str, frames: Sequence[npt.NDArray[Any]], configuration: Configuration) -> None:
        self.name = name
        self._frames = frames
        self._configuration = configuration
        self._taken = 0
        self._time = 0.0

    def stage(self) -> list[Any]:
        """Get ready for a run."""
        self._taken = 0
        return [self]

    def unstage(self) -> list[Any]:
        """Leave a run."""
        return [self]

    def trigger(self) -> Done:
        """Take the next frame."""
        self._time = time.time()
        self._taken += 1
        return Done()

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the pixels of the last frame."""
        return {self.name: {"value": self._frames[self._taken - 1], "timestamp": self._time}}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return what `read` returns, in words."""
        image = self._frames[0]
        return {
            self.name: {
                "source": f"SIM:{self.name}",
                "dtype": "array",
                "shape": list(image.shape),
                "dtype_numpy": image.dtype.str,
                **self.external,
            }
        }

    def read_configuration(self) -> dict[str, dict[str, Any]]:
        """Return what does not change within a run."""
        return {
            f"{self.name}_{key}": {"value": value, "timestamp": self._time}
            for key, (value, _unit) in self._configuration.items()
        }

    def describe_configuration(self) -> dict[str, dict[str, Any]]:
        """Return what `read_configuration` returns, in words."""
        return {
            f"{self.name}_{key}": {"source": f"SIM:{self.name}", **_kind(value), **({"units": unit} if unit else {})}
            for key, (value, unit) in self._configuration.items()
        }


class PagingDetector(InlineDetector):
    """Flies: takes all its frames, then hands them over in `event_page` documents of at most `page_bytes`."""

    page_bytes = 700_000

    def kickoff(self) -> Done:
        """Start to take frames."""
        return Done()

    def complete(self) -> Done:
        """Have taken all of them."""
        return Done()

    def describe_collect(self) -> dict[str, dict[str, Any]]:
        """Return what the pages hold, in words."""
        return self.describe()

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Yield the pages."""
        frames = list(self._frames)
        size = max(1, self.page_bytes // frames[0].nbytes)
        for first in range(0, len(frames), size):
            page = frames[first : first + size]
            now = time.time()
            yield {"time": [now] * len(page), "data": {self.name: page}, "timestamps": {self.name: [now] * len(page)}}


class FileDetector(InlineDetector):
    """Writes an HDF5 file a run and sends `resource` and `datum` documents, as areaDetector with ophyd does."""

    external: ClassVar[dict[str, str]] = {"external": "FILESTORE:"}

    def __init__(
        self, name: str, frames: Sequence[npt.NDArray[Any]], configuration: Configuration, *, folder: Path
    ) -> None:
        super().__init__(name, frames, configuration)
        self._folder = folder
        self._file: h5py.File | None = None
        self._path = folder
        self._resource = ""
        self._announced = 0

    def stage(self) -> list[Any]:
        """Open a file. Readers may look at it while it grows (SWMR)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._resource = str(uuid4())
        self._path = self._folder / f"{self._resource}.h5"
        self._announced = 0
        image = self._frames[0]
        self._file = h5py.File(self._path, "w", libver="latest")
        self._file.create_dataset(
            DATASET, (0, *image.shape), image.dtype, maxshape=(None, *image.shape), chunks=(1, *image.shape)
        )
        self._file.swmr_mode = True
        return super().stage()

    def unstage(self) -> list[Any]:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None
        return super().unstage()

    def trigger(self) -> Done:
        """Take the next frame and write it through to the file."""
        if self._file is None:
            raise RuntimeError(f"{self.name} was triggered before it was staged")
        dataset = self._file[DATASET]
        dataset.resize(self._taken + 1, axis=0)
        dataset[self._taken] = self._frames[self._taken]
        dataset.flush()
        return super().trigger()

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the identifier of the last frame's datum."""
        return {self.name: {"value": f"{self._resource}/{self._taken - 1}", "timestamp": self._time}}

    def collect_asset_docs(self) -> Documents:
        """Yield the documents that say where the last frame is."""
        if not self._announced:
            yield (
                "resource",
                {
                    "uid": self._resource,
                    "spec": "AD_HDF5",
                    "root": str(self._folder),
                    "resource_path": self._path.name,
                    "resource_kwargs": {"frame_per_point": 1},
                    "path_semantics": "posix",
                },
            )
        for number in range(self._announced, self._taken):
            yield (
                "datum",
                {
                    "datum_id": f"{self._resource}/{number}",
                    "resource": self._resource,
                    "datum_kwargs": {"point_number": number},
                },
            )
        self._announced = self._taken


class StreamDetector(FileDetector):
    """Writes an HDF5 file a run and sends `stream_resource` and `stream_datum` documents, as ophyd-async does."""

    external: ClassVar[dict[str, str]] = {"external": "STREAM:"}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return nothing: the pixels stand in no event."""
        return {}

    def get_index(self) -> int:
        """Return how many frames there are."""
        return self._taken

    def collect_asset_docs(self, index: int | None = None) -> Documents:
        """Yield the documents that say where the frames before `index` are that were not announced yet."""
        until = self._taken if index is None else min(index, self._taken)
        if not self._announced:
            yield (
                "stream_resource",
                {
                    "uid": self._resource,
                    "data_key": self.name,
                    "mimetype": "application/x-hdf5",
                    "uri": f"file://localhost{self._path}",
                    "parameters": {"dataset": DATASET, "chunk_shape": (1, *self._frames[0].shape)},
                },
            )
        if until > self._announced:
            yield (
                "stream_datum",
                {
                    "uid": f"{self._resource}/{self._announced}",
                    "stream_resource": self._resource,
                    "descriptor": "",
                    "indices": {"start": self._announced, "stop": until},
                    "seq_nums": {"start": 0, "stop": 0},
                },
            )
            self._announced = until


def _kind(value: Any) -> dict[str, Any]:
    """Say what a configuration value is, as a data key does."""
    if isinstance(value, str):
        return {"dtype": "string", "shape": []}
    if isinstance(value, int | float):
        return {"dtype": "number", "shape": []}
    return {"dtype": "array", "shape": list(np.shape(value))}
