from dataclasses import replace

import numpy as np
import pytest

from camsortxs.errors import CamsortxsError
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.giveaways import giveaways, interval, placements
from camsortxs.offline.realism import NotEnoughSources, measurable, realism
from camsortxs.techniques import TECHNIQUES, Technique

NAMES = tuple(f"f{place}" for place in range(12))
FAST = {"trees": 30, "repeats": 2, "resamples": 100}


def table(rng, *, frames, sources, offset=0.0, labels=(0,), spread=0.0, name="s"):
    """Draw normal features, `frames` of each label; f0 is moved by `offset`, each source by `spread` of its own."""
    values, groups = [], []
    for _ in labels:
        source = np.arange(frames) % sources
        own = rng.normal(scale=spread, size=(sources, len(NAMES)))
        part = rng.normal(size=(frames, len(NAMES))) + own[source]
        part[:, 0] += offset
        values.append(part)
        groups += [f"{name}{place}" for place in source]
    return Dataset.certain(
        NAMES,
        values=np.concatenate(values).astype(np.float32),
        labels=np.repeat(np.asarray(labels, dtype=np.int64), frames),
        groups=np.asarray(groups),
    )


def test_two_halves_of_one_population_cannot_be_told_apart(rng):
    report = realism(table(rng, frames=120, sources=12), table(rng, frames=300, sources=5), **FAST)

    saxs = report["techniques"]["SAXS"]
    assert saxs["status"] == "measured"
    assert saxs["auc"] == pytest.approx(0.5, abs=0.1)
    assert saxs["outlying"] == pytest.approx(0.5, abs=0.1)
    assert saxs["auc_interval"][0] < 0.5 < saxs["auc_interval"][1]


def test_an_offset_is_found_and_named_with_its_direction(rng):
    real = table(rng, frames=24, sources=6, offset=8.0)
    report = realism(real, table(rng, frames=200, sources=5), **FAST)

    saxs = report["techniques"]["SAXS"]
    assert saxs["auc"] > 0.95
    assert saxs["outlying"] > 0.7
    assert report["all"]["auc"] == pytest.approx(saxs["auc"])
    assert (saxs["gives_away"][0]["feature"], saxs["gives_away"][0]["real_is"]) == ("f0", "larger")
    assert saxs["gives_away"][0]["auc"] == pytest.approx(1.0, abs=0.01)
    assert saxs["gives_away"][0]["real_median"] > 6 > 2 > saxs["gives_away"][0]["simulated_median"]


def test_what_only_marks_a_source_is_not_learnt_as_real(rng):
    """Sources far apart from each other: by frame every one would be known again."""
    real = table(rng, frames=48, sources=6, spread=9.0)
    drawn = table(rng, frames=300, sources=300, spread=9.0)
    by_frame = replace(real, groups=np.arange(48))

    assert realism(by_frame, drawn, **FAST)["techniques"]["SAXS"]["auc"] > 0.9
    assert realism(real, drawn, **FAST)["techniques"]["SAXS"]["auc"] < 0.75


def test_every_source_weighs_the_same(rng):
    many, one = table(rng, frames=40, sources=1, name="many"), table(rng, frames=2, sources=1, name="one", offset=50.0)
    more = table(rng, frames=2, sources=1, name="more", offset=50.0)
    real = Dataset.join([many, one, more])
    saxs = realism(real, table(rng, frames=300, sources=5), **FAST)["techniques"]["SAXS"]

    assert (saxs["frames"], saxs["sources"]) == (44, 3)
    assert saxs["auc"] == pytest.approx(np.mean(list(saxs["sources_auc"].values())))
    assert saxs["sources_auc"]["one0"] > 0.95
    assert saxs["sources_auc"]["many0"] < 0.75


def test_a_technique_with_one_source_gets_no_figure(rng):
    real = table(rng, frames=8, sources=2, labels=(0, 1))
    real.groups[real.labels == 1] = "alone"
    report = realism(real, table(rng, frames=60, sources=5, labels=(0, 1)), **FAST)

    waxs = report["techniques"]["WAXS"]
    assert (waxs["status"], waxs["frames"], waxs["sources"]) == ("not enough sources", 8, 1)
    assert waxs["auc"] is waxs["auc_interval"] is waxs["outlying"] is None
    assert waxs["gives_away"] == []
    assert report["techniques"]["GISAXS"]["status"] == "not enough sources"
    assert report["all"]["sources"] == 2
    assert measurable(real) == [Technique.SAXS]


def test_too_few_simulated_frames_are_said(rng):
    with pytest.raises(NotEnoughSources, match="SAXS 5 and 9"):
        realism(table(rng, frames=10, sources=5), table(rng, frames=9, sources=1), **FAST)


@pytest.mark.parametrize("frames", [0, 6])
def test_no_technique_with_two_sources_is_refused(rng, frames):
    with pytest.raises(CamsortxsError, match="no technique has 2 sources"):
        realism(table(rng, frames=frames, sources=1), table(rng, frames=60, sources=5), **FAST)


def test_tables_of_other_features_are_refused(rng):
    real, drawn = table(rng, frames=10, sources=5), table(rng, frames=60, sources=5)
    other = replace(drawn, names=NAMES[::-1])

    with pytest.raises(ValueError, match="differ"):
        realism(real, other, **FAST)


def test_over_all_a_source_of_several_techniques_counts_once(rng):
    real = table(rng, frames=6, sources=3, labels=range(4))
    report = realism(real, table(rng, frames=60, sources=5, labels=range(4)), **FAST)

    assert [report["techniques"][t]["status"] for t in TECHNIQUES] == ["measured"] * 4
    assert (report["all"]["frames"], report["all"]["sources"]) == (24, 3)
    assert report["all"]["auc"] == pytest.approx(np.mean([report["techniques"][t]["auc"] for t in TECHNIQUES]))


def test_the_same_seed_gives_the_same_figures(rng):
    real, drawn = table(rng, frames=12, sources=3), table(rng, frames=60, sources=5)

    assert realism(real, drawn, seed=4, **FAST) == realism(real, drawn, seed=4, **FAST)
    assert realism(real, drawn, seed=4, **FAST) != realism(real, drawn, seed=5, **FAST)


def test_placements_average_to_the_auc(rng):
    from sklearn.metrics import roc_auc_score

    real, drawn = rng.integers(0, 9, 30), rng.integers(2, 9, 40)

    auc = roc_auc_score([1] * 30 + [0] * 40, np.concatenate([real, drawn]))
    assert placements(real, drawn).mean() == pytest.approx(auc)


def test_an_interval_holds_what_resampling_sources_gives():
    low, high = interval(np.array([[0.0, 0.7], [1.0, 0.7]]), 500, 0)

    assert low.tolist() == pytest.approx([0.0, 0.7])
    assert high.tolist() == pytest.approx([1.0, 0.7])


def test_a_feature_that_one_odd_source_carries_comes_after_one_on_which_all_agree(rng):
    drawn = rng.normal(size=(200, 3)).astype(np.float32)
    real = rng.normal(size=(8, 3)).astype(np.float32)
    sources = np.repeat(["a", "b", "c", "d"], 2)
    real[:, 1] = -1.5  # all sources, moderately
    real[:2, 2] = 30.0  # one source, by far

    found = giveaways(real, drawn, sources, ("none", "all", "one"), count=3, resamples=200, seed=0)

    assert found[0]["feature"] == "all"
    assert found[0]["real_is"] == "smaller"
    assert "one" not in [row["feature"] for row in found]


def test_a_feature_that_goes_with_a_named_one_is_left_out(rng):
    drawn = rng.normal(size=(200, 2))
    drawn = np.column_stack([drawn[:, 0], drawn[:, 0] ** 3, drawn[:, 1], np.zeros(200)]).astype(np.float32)
    real = np.full((6, 4), 5.0, dtype=np.float32)

    found = giveaways(
        real, drawn, np.repeat(["a", "b", "c"], 2), ("x", "cube", "y", "zero"), count=9, resamples=50, seed=0
    )

    names = {row["feature"] for row in found}
    assert len(names & {"x", "cube"}) == 1
    assert {"y", "zero"} <= names  # a feature that is constant in the simulation goes with nothing
