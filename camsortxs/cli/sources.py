"""Where `train`, `leaderboard` and `retrain` find labelled frames: drawn, in folders, in archives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camsortxs import adapters, masks, signal
from camsortxs.adapters.folder import FolderFrames
from camsortxs.frames import Rejected
from camsortxs.offline.dataset import LabelledFrame, target_of
from camsortxs.offline.labels import NOTHING, Label, read_labels
from camsortxs.offline.pieces import Piece, key_of
from camsortxs.techniques import Technique

if TYPE_CHECKING:
    from camsortxs.adapters.tiled import Catalogue, LabelledRun, LabelledRuns


@dataclass(frozen=True, kw_only=True)
class DrawnFrames:
    """`number` simulated frames, the kinds in turn; a group is a detector.

    Between small and wide angle the two share the target, unless it is to be `hard`.
    """

    kinds: Sequence[str]
    number: int
    seed: int
    shape: tuple[int, int] | None = None
    hard: bool = False

    @property
    def words(self) -> str:
        """What was drawn."""
        return f"{self.number} simulated frames of {', '.join(self.kinds)} drawn with seed {self.seed}"

    def count(self) -> int:
        """Say how many."""
        return self.number

    def pieces(self) -> Iterator[Piece]:
        """Yield each frame, to be drawn where it is worked on."""
        from camsortxs import simulate  # here, for it compiles

        for place in range(self.number):
            what = self.kinds[place % len(self.kinds)], self.seed, place // len(self.kinds), self.shape, self.hard
            yield Piece(
                name="simulated {} of seed {}, index {}".format(*what),
                read=partial(_draw, *what),
                key=key_of(*what, code=[simulate, masks, signal]),
            )


@dataclass(frozen=True, kw_only=True)
class FolderTable:
    """The frames that a table of labels names, its files relative to `folder`; a group is a source.

    Raises
    ------
    FrameError
        From `rows`, when the table cannot be used.
    """

    labels: Path
    folder: Path

    @property
    def words(self) -> str:
        """The name of the table; where it lies is nobody else's business."""
        return f"measured frames of {self.folder.name}/{self.labels.name}"

    @property
    def rows(self) -> list[Label]:
        """Its rows."""
        return read_labels(self.labels, self.folder)

    def count(self) -> int:
        """Count its rows."""
        return len(self.rows)

    def pieces(self) -> Iterator[Piece]:
        """Yield each row; a file of the same size and time is the same file."""
        for row in self.rows:
            key = None
            with suppress(OSError):  # what is wrong with the file is said when it is read
                state = row.path.stat()
                unchanged = str(row.path.resolve()), state.st_size, state.st_mtime_ns
                key = key_of(*unchanged, row.dataset, row.index, row.technique, row.group, code=[adapters, masks])
            yield Piece(name=row.reference, read=partial(_read_row, row), key=key)


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The labelled runs of a Tiled or databroker catalogue, at most `per_run` frames of each."""

    catalogue: "Catalogue"
    query: Mapping[str, Any] = field(default_factory=dict)
    label_key: str | None = None
    group_key: str | None = None
    data_key: str | None = None
    per_run: int = 3

    @property
    def words(self) -> str:
        """What was asked for."""
        asked = ", ".join(f"{name} = {value}" for name, value in self.query.items()) or "all"
        whose = f"labelled by people or under {self.label_key}" if self.label_key else "labelled by people"
        return f"archived runs ({asked}) {whose}, at most {self.per_run} frames of each"

    def count(self) -> int:
        """Count the runs."""
        return self._runs.count()

    def pieces(self) -> Iterator[Piece]:
        """Yield each run; one that is complete does not change."""
        for run in self._runs.runs():
            what = run.uid, run.label, run.group, self.per_run, self.data_key
            where = self.catalogue.address, self.catalogue.raw_path
            yield Piece(
                name=f"run {run.uid}",
                # Opened where it is read: a connection cannot travel.
                read=partial(_read_run, replace(self.catalogue), run, self.per_run, self.data_key),
                key=key_of(*what, *where, code=[adapters, masks, signal]),
            )

    @property
    def _runs(self) -> "LabelledRuns":
        from camsortxs.adapters.tiled import LabelledRuns

        return LabelledRuns(
            catalogue=self.catalogue, query=self.query, label_key=self.label_key, group_key=self.group_key
        )


def _draw(kind: str, seed: int, index: int, shape: tuple[int, int] | None, hard: bool) -> Iterable[LabelledFrame]:
    from camsortxs import simulate

    drawn = simulate.draw(kind, seed=seed, index=index, shape=shape)
    frame = drawn.frame()
    if drawn.technique is None and signal.no_signal(frame):
        return []  # it is withheld before any classifier sees it
    target = target_of(drawn.technique, q90=None if hard or "mid" not in drawn.flags else drawn.q90)
    group = f"simulated {drawn.detector}"
    return [LabelledFrame(frame=frame, target=target, group=group, origin="simulated")]


def _read_row(row: Label) -> Iterator[LabelledFrame | Rejected]:
    for batch in FolderFrames(paths=[row.reference], batch=1, geometry=False).batches():
        yield from batch.rejected
        for frame in batch.frames:
            yield LabelledFrame(frame=frame, target=target_of(row.technique), group=row.group)


def _read_run(
    catalogue: "Catalogue", run: "LabelledRun", per_run: int, data_key: str | None
) -> Iterator[LabelledFrame | Rejected]:
    from camsortxs.adapters.tiled import frames_of_run

    origin = {"path": f"run {run.uid}"}
    try:
        technique = None if run.label.lower() in NOTHING else Technique(run.label.upper())
    except ValueError:
        yield Rejected(
            reason="bad_label", message=f"{run.label!r} by {run.by} is none of the techniques", origin=origin
        )
        return
    for frame in frames_of_run(catalogue, run.uid, most=per_run, data_key=data_key):
        if isinstance(frame, Rejected):
            yield frame
        elif technique is not None and (why := signal.no_signal(frame)):
            # The label is of the run: a dark among its frames does not show what it says.
            yield Rejected(reason="no_signal", message=f"{frame.key} shows nothing ({why})", origin=origin)
        else:
            yield LabelledFrame(frame=frame, target=target_of(technique), group=run.group)
