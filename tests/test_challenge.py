"""A challenger beside the tiny model: what it says goes along with the record, and changes nothing."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from camsortxs.challenge import Challenger
from camsortxs.frames import Batch
from camsortxs.model import Model
from camsortxs.pipeline import Pipeline
from camsortxs.summary import summarise
from camsortxs.techniques import Technique
from camsortxs.testing import MemorySink, TinyClassifier, TinyFeaturizer, tiny_model


@dataclass(frozen=True, kw_only=True)
class Counting(TinyFeaturizer):
    """Notes which frames it is shown."""

    shown: list = field(default_factory=list)

    def featurize(self, frames):
        self.shown.extend(frame.key.index for frame in frames)
        return super().featurize(frames)


@dataclass(frozen=True, kw_only=True)
class Contrary(TinyClassifier):
    """Calls everything GIWAXS."""

    def classify(self, features):
        return np.tile(np.array([[0.01, 0.02, 0.03, 0.94]], np.float32), (len(features.keys), 1))


class Broken(Exception):
    """What nobody foresaw."""


@dataclass(frozen=True, kw_only=True)
class BrokenClassifier(TinyClassifier):
    def classify(self, features):
        raise Broken("classify")


@dataclass(frozen=True, kw_only=True)
class BrokenFeaturizer(TinyFeaturizer):
    def featurize(self, frames):
        raise Broken("featurize")


@pytest.fixture
def frames(make_frame):
    dark = make_frame(2, image=np.zeros((120, 100), dtype=np.int32))
    return (make_frame(0), make_frame(1, grazing=True), dark)


def records(frames, challenger, *, featurizer=None):
    model = Model(featurizer=featurizer or TinyFeaturizer(), classifier=TinyClassifier())
    line = Pipeline(model=model, sink=MemorySink(), workers=2)
    line.challenge(challenger)
    return line.process(Batch(frames=frames)).records


def test_its_opinion_goes_along_and_changes_nothing(frames):
    alone = records(frames, None)
    beside = records(frames, Challenger(Model(featurizer=TinyFeaturizer(), classifier=Contrary(reference="new@1.0.0"))))

    assert [r.prediction for r in beside] == [r.prediction for r in alone]
    assert summarise(beside) == summarise(alone)
    assert [r.challenger.model for r in beside[:2]] == ["new@1.0.0"] * 2
    assert [r.challenger.prediction.decided for r in beside[:2]] == [Technique.GIWAXS] * 2
    assert [r.prediction.decided for r in beside[:2]] == [Technique.SAXS, Technique.GISAXS]


def test_no_model_is_asked_about_a_dark_frame(frames):
    assert records(frames, Challenger(tiny_model()))[2].challenger is None


def test_features_that_both_share_are_computed_once(frames):
    ours, its = Counting(), Counting()
    challenger = Challenger(Model(featurizer=its, classifier=Contrary()))

    seen = records(frames, challenger, featurizer=ours)

    assert (sorted(ours.shown), its.shown) == ([0, 1], [])
    assert all(r.challenger for r in seen[:2])


def test_features_of_its_own_are_computed_of_each_frame_that_is_not_dark(frames):
    its = Counting(digest="newer")
    challenger = Challenger(Model(featurizer=its, classifier=Contrary(feature_digest="newer")))

    seen = records(frames, challenger)

    assert sorted(its.shown) == [0, 1]
    assert [r.challenger.prediction.decided for r in seen[:2]] == [Technique.GIWAXS] * 2


@pytest.mark.parametrize(
    "model",
    [
        Model(featurizer=TinyFeaturizer(), classifier=BrokenClassifier()),
        Model(featurizer=BrokenFeaturizer(digest="newer"), classifier=TinyClassifier(feature_digest="newer")),
    ],
    ids=["classifier", "featurizer"],
)
def test_what_it_fails_at_costs_its_opinion_alone(frames, model):
    failures = []

    seen = records(frames, Challenger(model, failed=failures.append))

    assert [r.prediction for r in seen] == [r.prediction for r in records(frames, None)]
    assert [r.challenger for r in seen] == [None] * 3
    assert failures
    assert {type(error) for error in failures} == {Broken}


def test_it_can_be_sent_away_again(frames):
    line = Pipeline(model=tiny_model(), sink=MemorySink())
    line.challenge(Challenger(tiny_model()))
    assert line.process(Batch(frames=frames)).records[0].challenger is not None
    line.challenge(None)
    assert line.process(Batch(frames=frames)).records[0].challenger is None
