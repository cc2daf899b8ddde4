"""Shadow mode: a challenger looks at the same frames as the model that serves, and nobody acts on what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from camsortxs.clock import Clock
from camsortxs.conclude import conclude
from camsortxs.frames import Frame
from camsortxs.look import Beside, Rows, Seen, rows_of
from camsortxs.model import Model
from camsortxs.records import Opinion, Record
from camsortxs.threads import workers as threads

Result = TypeVar("Result")


class Challenger:
    """A model on trial. Whatever it raises is told to `failed`, and costs its opinion of those frames alone.

    Where its features are those of the model that serves, they are computed once; otherwise looking at a frame takes
    the time of both. It works in `workers` threads of its own, which is how its failures stay there.
    """

    def __init__(
        self, model: Model, *, workers: int = 1, failed: Callable[[BaseException], None] = lambda error: None
    ) -> None:
        self._model = model
        self._failed = failed
        self._threads = threads(workers, name="challenger")

    @property
    def reference(self) -> str:
        """`name@version`."""
        return self._model.reference

    def beside(self, serving: Model) -> Beside | None:
        """Return what is to be shown the frames; None where the features of the one that serves will do."""
        return None if self._model.featurizer.digest == serving.featurizer.digest else self._features

    def comment(self, records: Sequence[Record], frames: Sequence[Seen], serving: Model) -> tuple[Record, ...]:
        """Return the records, with its opinion where it has one: not of dark frames, which no model is asked about."""
        own = self.beside(serving) is not None
        shown = [replace(seen, values=seen.beside if own else seen.values) for seen in frames]
        asked = [seen for seen in shown if seen.values is not None]
        said = self._tried(lambda: conclude(asked, self._model, Clock())) or ()
        opinions = {one.key: Opinion(model=one.model, prediction=one.prediction) for one in said}
        return tuple(replace(record, challenger=opinions.get(record.key)) for record in records)

    def _features(self, frames: Sequence[Frame]) -> Rows:
        return self._tried(lambda: rows_of(self._model.featurizer.featurize(frames))) or {}

    def _tried(self, work: Callable[[], Result]) -> Result | None:
        done = self._threads.submit(work)
        if (error := done.exception()) is not None:
            self._failed(error)
            return None
        return done.result()
