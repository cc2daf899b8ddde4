import pytest

from camsortxs.decision import decide
from camsortxs.offline.evaluate import Answer
from camsortxs.offline.promotion import MAX_BYTES, Said, judge
from camsortxs.techniques import TECHNIQUES, Parent

SOURCES = 20


def said(wrong=(), *, nothing=(), decided=None, sources=SOURCES, frames=5):
    """Each source shows each technique `frames` times; `wrong` (source, technique, frame) are taken for another."""
    answers = []
    for source in range(sources):
        for place, truth in enumerate(TECHNIQUES):
            for frame in range(frames):
                name = f"{source} {truth} {frame}"
                named = (place + 1) % 4 if (source, str(truth), frame) in wrong else place
                p = tuple(0.91 if other == named else 0.03 for other in range(4))
                answers.append(
                    Answer(
                        truth=truth,
                        group=f"source {source}",
                        decided=(decided or decide)(p, 0.6),
                        probabilities=p,
                        name=name,
                    )
                )
    return Said(answers=answers, nothing=nothing)


def failing(verdict):
    return [line.what for line in verdict.lines if not line.good]


def test_an_equal_challenger_is_good_enough():
    verdict = judge(said(), said(), size=1000)

    assert verdict.good
    assert verdict.groups == SOURCES
    assert verdict.why == "accuracy 1.000 -> 1.000 over 20 groups"


def test_a_better_one_is_better():
    verdict = judge(said({(0, "SAXS", 0), (1, "WAXS", 0)}), said({(0, "SAXS", 0)}))

    assert verdict.good
    assert verdict.lines[0].challenger > verdict.lines[0].champion


def test_worse_by_one_frame_is_refused():
    """Better in no group, worse in one: below the slack of every criterion but the first."""
    verdict = judge(said(), said({(0, "SAXS", 0)}))

    assert failing(verdict) == ["accuracy"]
    assert verdict.why == "accuracy: at least 1.000"
    assert verdict.worse == ("source 0",)


def test_better_over_all_but_blind_to_one_technique_is_refused():
    champion = {(source, "SAXS", frame) for source in range(SOURCES) for frame in range(2)}
    challenger = {(source, "GIWAXS", 0) for source in range(SOURCES)}
    verdict = judge(said(champion), said(challenger))

    assert failing(verdict) == ["recall of GIWAXS"]


def test_better_in_the_mean_but_worse_on_many_instruments_is_refused():
    champion = {(0, str(t), frame) for t in TECHNIQUES for frame in range(5)}
    challenger = {(source, str(TECHNIQUES[source % 4]), 0) for source in range(1, 4)}
    verdict = judge(said(champion), said(challenger))

    assert failing(verdict) == ["groups that are worse"]
    assert verdict.worse == ("source 1", "source 2", "source 3")
    assert judge(said(champion), said(set(list(challenger)[:2]))).good, "two of twenty may be worse"


def test_every_group_weighs_the_same():
    """More frames right, but all of them in one group with many."""
    few, many = said({(0, "SAXS", 0)}, sources=4, frames=1), said(sources=1, frames=50)
    other = Said(answers=[*few.answers, *(replaced(a) for a in many.answers)])
    wrong_many = said({(0, "SAXS", frame) for frame in range(20)}, sources=1, frames=50)
    champion = Said(answers=[*said(sources=4, frames=1).answers, *(replaced(a) for a in wrong_many.answers)])
    verdict = judge(champion, other)

    assert "accuracy" in failing(verdict)


def replaced(answer):
    return Answer(
        truth=answer.truth,
        group="many",
        decided=answer.decided,
        probabilities=answer.probabilities,
        name=f"many {answer.name}",
    )


def test_one_that_names_nothing_is_refused():
    verdict = judge(said(), said(decided=lambda p, threshold: Parent.UNKNOWN))

    assert failing(verdict) == ["named rightly"]


def test_one_that_names_what_it_should_not_is_refused():
    wrong = {(source, "SAXS", 0) for source in range(SOURCES)}
    careful = said(wrong, decided=lambda p, threshold: Parent.UNKNOWN)
    verdict = judge(careful, said(wrong))

    assert failing(verdict) == ["named wrongly"]


def test_one_that_sees_something_in_dark_frames_is_refused():
    withheld, named = [Parent.NO_SIGNAL, Parent.UNKNOWN], [Parent.NO_SIGNAL, TECHNIQUES[0]]

    assert judge(said(nothing=named), said(nothing=withheld)).good
    assert failing(judge(said(nothing=withheld), said(nothing=named))) == ["nothing named in frames that show nothing"]


def test_groups_that_one_of_them_learnt_from_are_left_out():
    champion, challenger = said({(1, "SAXS", 0)}), said({(2, "SAXS", frame) for frame in range(3)})

    assert not judge(champion, challenger).good
    verdict = judge(champion, challenger, trained_on=("source 2", "elsewhere"))
    assert verdict.good
    assert (verdict.groups, verdict.left_out) == (SOURCES - 1, ("source 2",))


def test_with_one_group_left_nothing_can_be_said():
    verdict = judge(said(sources=2), said(sources=2), trained_on=("source 0",))

    assert failing(verdict) == ["groups"]
    assert "at least 2" in verdict.why


def test_a_bundle_that_is_too_large_is_refused():
    assert judge(said(), said(), size=MAX_BYTES).good
    assert failing(judge(said(), said(), size=MAX_BYTES + 1)) == ["size (MB)"]


def test_frames_that_no_signal_was_seen_in_are_wrong():
    silent = [
        Answer(truth=a.truth, group=a.group, decided=Parent.NO_SIGNAL, probabilities=None, name=a.name)
        for a in said().answers
    ]

    assert "accuracy" in failing(judge(said(), Said(answers=silent)))


def test_the_first_has_nobody_to_beat():
    verdict = judge(None, said({(0, "SAXS", 0)}))

    assert verdict.good
    assert verdict.why == "the first champion"
    assert not judge(None, said(), size=MAX_BYTES + 1).good


def test_different_frames_are_no_comparison():
    with pytest.raises(ValueError, match="different frames"):
        judge(said(), said(frames=4))


def test_a_verdict_is_plain_values():
    plain = judge(said(), said({(0, "SAXS", 0)})).as_json()

    assert plain["good"] is False
    assert plain["criteria"][0] == {
        "what": "accuracy",
        "champion": 1.0,
        "challenger": pytest.approx(0.9975),
        "wanted": "at least 1.000",
        "good": False,
    }
