"""The gate on the way to serving: a challenger that is whole, and at least as good on the frozen evaluation set."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.champion import POINTER, EvaluationSet, Pointer, folder_of, read_pointer
from camsortxs.errors import ModelError
from camsortxs.offline.duel import Contestant, Question, duel
from camsortxs.offline.promotion import Verdict, judge
from camsortxs.offline.registry import GOLDEN_FRAMES, enthrone, size_of, verify
from camsortxs.pipeline import Pipeline
from camsortxs.records import Sink

PROMOTED, UNREADABLE, REFUSED = 0, 3, 4

Build = Callable[[Path, Sink], Pipeline]
"""Makes the line that serves the bundle in a folder, ending in a sink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The frames that decide; `errors` is filled with those that cannot be read while the questions are drawn.

    `groups` are those of a set that is known beforehand.
    """

    evaluation: EvaluationSet
    questions: Iterable[Question]
    groups: frozenset[str] = frozenset()
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How it ended: `code` is 0 for promoted (or the champion already), 3 for frames not read, 4 for refused."""

    model: str
    champion: str | None
    evaluation: str
    code: int
    why: str
    verdict: Verdict | None = None
    errors: tuple[dict[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "model": self.model,
            "instead_of": self.champion,
            "promoted": self.code == PROMOTED,
            "why": self.why,
            "evaluation": self.evaluation,
            "verdict": self.verdict.as_json() if self.verdict else None,
            "errors": list(self.errors),
        }


class OtherSet(ModelError):
    """The evaluation set is not the one that the champion was judged on."""


def check_set(pointer: Pointer | None, evaluation: EvaluationSet) -> None:
    """Refuse to judge on another evaluation set than last time.

    Raises
    ------
    OtherSet
        When its digest is another.
    """
    known = pointer.evaluation if pointer else None
    if pointer and known and known.digest != evaluation.digest:
        raise OtherSet(
            f"the evaluation set is not the one that {pointer.champion.model} was judged on ({known.description}, "
            f"sha256 {known.digest[:12]}...): restore that, or begin anew with --new-evaluation-set"
        )


def decide(
    models: Path,
    challenger: str,
    contest: Contest,
    *,
    build: Build,
    new_evaluation_set: bool = False,
    when: datetime | None = None,
) -> Decision:
    """Let `challenger` (`name/version` in the folder `models`) compete with the champion; the pointer moves if it wins.

    Raises
    ------
    ModelError
        When one of the two cannot be used, or the folder not be written.
    """
    pointer = read_pointer(models)
    champion = pointer.champion.model if pointer else None

    def end(code: int, why: str, **more: Any) -> Decision:
        described = contest.evaluation.description
        return Decision(model=challenger, champion=champion, evaluation=described, code=code, why=why, **more)

    if champion == challenger:
        return end(PROMOTED, "is the champion already")
    for check in verify(models / challenger):
        if check.what == GOLDEN_FRAMES and check.good is not True:
            return end(REFUSED, f"golden frames: {check.detail}")
        if check.good is False:
            raise ModelError(check.detail)
    try:
        check_set(None if new_evaluation_set else pointer, contest.evaluation)
    except OtherSet as error:
        return end(REFUSED, str(error))
    mine = _contestant(models / challenger, build)
    try:
        theirs = _contestant(folder_of(models, pointer.champion), build) if pointer else None
    except ModelError as error:
        raise ModelError(
            f"there is nothing to compare with: {error}. Where no champion before it can serve either, remove "
            f"{models / POINTER} to begin anew"
        ) from error
    duel(contest.questions, [mine, theirs] if theirs else [mine])
    if contest.errors:
        return end(UNREADABLE, "frames of the evaluation set could not be read", errors=tuple(contest.errors))
    verdict = judge(
        theirs.said if theirs else None,
        mine.said,
        trained_on=_groups(models / challenger) | (_groups(models / champion) if champion else set()),
        size=size_of(models / challenger),
    )
    if verdict.good:
        enthrone(
            models,
            challenger,
            why=verdict.why,
            figures=verdict.as_json(),
            evaluation=contest.evaluation,
            when=when or datetime.now(UTC),
        )
    return end(PROMOTED if verdict.good else REFUSED, verdict.why, verdict=verdict)


def _contestant(folder: Path, build: Build) -> Contestant:
    return Contestant(lambda sink: build(folder, sink))


def _groups(folder: Path) -> set[str]:
    return set(load_bundle(folder).manifest.training.group_names)
