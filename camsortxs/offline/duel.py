"""Champion and challenger, asked about the same frames, one after another."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from camsortxs.classifiers.champion import EvaluationSet
from camsortxs.errors import FrameError
from camsortxs.frames import Batch, Frame
from camsortxs.offline.evaluate import Answer
from camsortxs.offline.labels import Label
from camsortxs.offline.promotion import Said
from camsortxs.pipeline import Pipeline
from camsortxs.records import Outcome, Sink
from camsortxs.techniques import Decision, Technique

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A frame of the evaluation set; `technique` is None where it shows none of the four."""

    frame: Frame
    technique: Technique | None
    group: str
    name: str


class Contestant:
    """A model under test: takes frames down the line that would serve, image only, and keeps what it says.

    `build` makes the line around a sink.
    """

    def __init__(self, build: Callable[[Sink], Pipeline]) -> None:
        self._line = build(self)
        self._outcome: Outcome | None = None
        self._answers: list[Answer] = []
        self._nothing: list[Decision] = []

    def write(self, outcome: Outcome) -> None:
        """Keep the outcome in hand."""
        self._outcome = outcome

    def ask(self, question: Question) -> None:
        """Ask about one frame; what its metadata say is the same for every model, and so is left out."""
        outcome = self._line.process(Batch(frames=(replace(question.frame, geometry=None),)))
        prediction = outcome.records[0].prediction
        if question.technique is None:
            self._nothing.append(prediction.decided)
            return
        self._answers.append(
            Answer(
                truth=question.technique,
                group=question.group,
                decided=prediction.decided,
                probabilities=prediction.probabilities,
                name=question.name,
            )
        )

    @property
    def said(self) -> Said:
        """All that it said so far."""
        return Said(answers=tuple(self._answers), nothing=tuple(self._nothing))


def duel(questions: Iterable[Question], contestants: Sequence[Contestant]) -> None:
    """Ask every contestant about every frame: no more than one frame is held in memory."""
    for question in questions:
        for contestant in contestants:
            contestant.ask(question)


def frozen(labels: Sequence[Label], folder: Path) -> EvaluationSet:
    """Return what identifies labelled files: the digest of every row, in any order, and of the bytes of every file.

    Of an HDF5 file that links to others, only the bytes of that one are looked at.

    Raises
    ------
    FrameError
        With reason `missing_file`, when one cannot be read.
    """
    of_file: dict[Path, str] = {}
    rows = []
    for label in labels:
        if label.path not in of_file:
            of_file[label.path] = _sha256(label.path)
        technique = None if label.technique is None else str(label.technique)
        name = label.path.relative_to(folder).as_posix()
        rows.append([name, label.dataset, label.index, technique, label.group, of_file[label.path]])
    rows.sort(key=json.dumps)
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    groups = len({label.group for label in labels if label.technique is not None})
    return EvaluationSet(digest=digest, frames=len(labels), groups=groups, description=f"{len(labels)} labelled rows")


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
    except OSError as error:
        raise FrameError("missing_file", f"{path} cannot be read ({error.strerror or error})") from error
    return state.hexdigest()
