"""Whether a challenger may take the champion's place: a pure function of what both said of the same frames."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camsortxs.decision import technique_of
from camsortxs.offline.evaluate import Answer
from camsortxs.techniques import TECHNIQUES, Decision, Parent, Technique

FEWEST_GROUPS = 2
"""With fewer groups to compare on, nothing can be said."""
MAX_BYTES = 40_000_000
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """How much worse a challenger may be, and where; in the mean over groups it may not be worse at all.

    `recall` of one technique may fall by this much, and this share of the groups (one at least) may have fewer frames
    right. Wrong answers that are stood by may become this much more frequent (`misnamed`), right ones this much rarer
    (`named`): else a model that names everything, or nothing, would pass.
    """

    recall: float = 0.02
    worse_groups: float = 0.1
    misnamed: float = 0.02
    named: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model said on the evaluation set: of the labelled frames, and of those that show none of the four."""

    answers: Sequence[Answer]
    nothing: Sequence[Decision] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One criterion: the figures of champion and challenger, what is wanted, and whether it holds."""

    what: str
    champion: float | None
    challenger: float | None
    wanted: str
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All criteria, and the groups that were left out because one of the two was trained on them."""

    lines: tuple[Line, ...]
    groups: int
    left_out: tuple[str, ...] = ()
    worse: tuple[str, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether every criterion holds."""
        return all(line.good for line in self.lines)

    @property
    def why(self) -> str:
        """The criteria that do not hold, or how the mean over groups moved."""
        if not self.good:
            return "; ".join(f"{line.what}: {line.wanted}" for line in self.lines if not line.good)
        first = self.lines[0]
        if first.champion is None or first.challenger is None:
            return "the first champion"
        return f"{first.what} {first.champion:.3f} -> {first.challenger:.3f} over {self.groups} groups"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "good": self.good,
            "why": self.why,
            "groups": self.groups,
            "left_out": list(self.left_out),
            "worse_groups": list(self.worse),
            "criteria": [{name: getattr(line, name) for name in Line.__slots__} for line in self.lines],
        }


def judge(
    champion: Said | None,
    challenger: Said,
    *,
    trained_on: Collection[str] = (),
    size: int = 0,
    criteria: Criteria = Criteria(),
) -> Verdict:
    """Compare what the two said of the same frames, in the same order; every group weighs the same.

    `trained_on` are the groups that either of them has learnt from: they are left out. `size` is that of the
    challenger's bundle in bytes. Without a champion there is nothing to be worse than: only the size is judged.

    Raises
    ------
    ValueError
        When the two were not asked about the same frames.
    """
    small = Line(
        what="size (MB)",
        champion=None,
        challenger=size / 1e6,
        wanted=f"{MAX_BYTES / 1e6:.0f} at most",
        good=size <= MAX_BYTES,
    )
    kept = [answer for answer in challenger.answers if answer.group not in trained_on]
    left_out = tuple(sorted({answer.group for answer in challenger.answers} & set(trained_on)))
    groups = len({answer.group for answer in kept})
    if champion is None:
        own = Line(what="accuracy", champion=None, challenger=_mean(kept, _right), wanted="any", good=True)
        return Verdict(lines=(own, small), groups=groups, left_out=left_out)
    if [_asked(a) for a in champion.answers] != [_asked(a) for a in challenger.answers]:
        raise ValueError("champion and challenger were asked about different frames")
    old = [answer for answer in champion.answers if answer.group not in trained_on]
    enough = Line(
        what="groups",
        champion=groups,
        challenger=groups,
        wanted=f"at least {FEWEST_GROUPS} that neither was trained on",
        good=groups >= FEWEST_GROUPS,
    )
    if not enough.good:
        return Verdict(lines=(enough, small), groups=groups, left_out=left_out)
    was, now = _by_group(old, _right), _by_group(kept, _right)
    worse = tuple(sorted(group for group in was if now[group] < was[group] - _EQUAL))
    allowed = max(1, int(criteria.worse_groups * groups))
    lines = [
        _line("accuracy", old, kept, _right, 0.0),
        *(
            _line(
                f"recall of {technique}",
                [answer for answer in old if answer.truth is technique],
                [answer for answer in kept if answer.truth is technique],
                _right,
                criteria.recall,
            )
            for technique in TECHNIQUES
            if any(answer.truth is technique for answer in kept)
        ),
        Line(
            what="groups that are worse",
            champion=None,
            challenger=len(worse),
            wanted=f"{allowed} of {groups} at most",
            good=len(worse) <= allowed,
        ),
        _line("named rightly", old, kept, _named, criteria.named),
        _line("named wrongly", old, kept, _misnamed, criteria.misnamed, less=True),
    ]
    if challenger.nothing:
        before, after = (float(np.mean([d in _WITHHELD for d in said.nothing])) for said in (champion, challenger))
        lines.append(_compared("nothing named in frames that show nothing", before, after, 0.0))
    return Verdict(lines=(*lines, enough, small), groups=groups, left_out=left_out, worse=worse)


_WITHHELD = (Parent.NO_SIGNAL, Parent.UNKNOWN)


def _asked(answer: Answer) -> tuple[str, str, Technique]:
    return answer.name, answer.group, answer.truth


def _right(answer: Answer) -> bool:
    """Whether the most probable technique is the true one, stood by or not."""
    p = answer.probabilities
    return p is not None and TECHNIQUES[int(np.argmax(p))] is answer.truth


def _named(answer: Answer) -> bool:
    return answer.decided == answer.truth


def _misnamed(answer: Answer) -> bool:
    return technique_of(answer.decided) not in (None, answer.truth)


def _by_group(answers: Sequence[Answer], true_of: Callable[[Answer], bool]) -> dict[str, float]:
    found: dict[str, list[bool]] = {}
    for answer in answers:
        found.setdefault(answer.group, []).append(true_of(answer))
    return {group: float(np.mean(each)) for group, each in found.items()}


def _mean(answers: Sequence[Answer], true_of: Callable[[Answer], bool]) -> float | None:
    shares = _by_group(answers, true_of)
    return float(np.mean(list(shares.values()))) if shares else None


def _line(
    what: str,
    old: Sequence[Answer],
    new: Sequence[Answer],
    true_of: Callable[[Answer], bool],
    slack: float,
    *,
    less: bool = False,
) -> Line:
    before, after = _mean(old, true_of), _mean(new, true_of)
    assert before is not None and after is not None  # noqa: S101, PT018 - there are groups
    return _compared(what, before, after, slack, less=less)


def _compared(what: str, before: float, after: float, slack: float, *, less: bool = False) -> Line:
    limit = before + slack if less else before - slack
    good = after <= limit + _EQUAL if less else after >= limit - _EQUAL
    wanted = f"{'at most' if less else 'at least'} {limit:.3f}"
    return Line(what=what, champion=before, challenger=after, wanted=wanted, good=good)
