"""Labelled frames taken down the line twice, with and without their metadata, and what came back."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from camsortxs.cli.evaluated import TITLES
from camsortxs.cli.labelled import frames_of
from camsortxs.frames import Batch, Frame
from camsortxs.offline.evaluate import Answer
from camsortxs.offline.labels import Label
from camsortxs.pipeline import Pipeline
from camsortxs.records import Outcome, Prediction
from camsortxs.techniques import TECHNIQUES, Decision, Technique

if TYPE_CHECKING:
    from camsortxs.sheet import Picture


@dataclass(kw_only=True)
class Asker:
    """Takes each frame down the line twice, with and without its metadata, and keeps the answers."""

    with_metadata: list[Answer] = field(default_factory=list)
    image_only: list[Answer] = field(default_factory=list)
    nothing: dict[str, list[Decision]] = field(default_factory=lambda: defaultdict(list))
    pictures: "list[Picture]" = field(default_factory=list)
    learnt_from: set[str] = field(default_factory=set)
    errors: list[dict[str, str]] = field(default_factory=list)
    model: str = ""
    _outcome: Outcome | None = None

    def by_mode(self) -> dict[str, list[Answer]]:
        """Return the answers from the image alone and with metadata."""
        return {mode: getattr(self, mode) for mode in TITLES}

    def write(self, outcome: Outcome) -> None:
        """Keep the outcome in hand."""
        self._outcome = outcome

    def ask(self, line: Pipeline, label: Label) -> None:
        """Ask about the frames of one row of the table; a row names one frame, or the first of its file."""
        for frame in frames_of(label, self.errors):
            if label.technique is None:
                self.nothing[label.kind or label.group].append(self._predict(line, frame).decided)
                continue
            self.with_metadata.append(self._answer(line, frame, label, label.technique))
            self.image_only.append(self._answer(line, replace(frame, geometry=None), label, label.technique))
            if most_probable(self.image_only[-1]) != label.technique:
                self.pictures.append(_picture(frame, self.image_only[-1]))

    def _predict(self, line: Pipeline, frame: Frame) -> Prediction:
        outcome = line.process(Batch(frames=(frame,)))
        self.model = outcome.model
        return outcome.records[0].prediction

    def _answer(self, line: Pipeline, frame: Frame, label: Label, truth: Technique) -> Answer:
        prediction = self._predict(line, frame)
        return Answer(
            truth=truth,
            group=label.group,
            decided=prediction.decided,
            probabilities=prediction.probabilities,
            name=label.path.name,
        )


def most_probable(answer: Answer) -> Technique | None:
    """Return the most probable technique, however sure; None where no signal was seen."""
    p = answer.probabilities
    return None if p is None else TECHNIQUES[p.index(max(p))]


def _picture(frame: Frame, answer: Answer) -> "Picture":
    from camsortxs.sheet import Picture, thumbnail

    p = answer.probabilities
    return Picture(
        image=thumbnail(frame.image, frame.mask),
        name=answer.name,
        truth=str(answer.truth),
        label=str(most_probable(answer)) if p else str(answer.decided),
        probability=max(p) if p else None,
        correct=False,
    )
