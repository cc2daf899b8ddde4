import numpy as np
import pytest

from camsortxs.errors import ModelError, SinkUnavailable
from camsortxs.frames import Batch, Geometry, RunEnd
from camsortxs.pipeline import Pipeline
from camsortxs.techniques import Parent, Technique
from camsortxs.testing import ListSource, MemorySink, TinyClassifier, TinyFeaturizer


def line(sink, **options) -> Pipeline:
    return Pipeline(featurizer=TinyFeaturizer(), classifier=TinyClassifier(), sink=sink, **options)


def test_every_frame_of_a_source_ends_as_one_record_and_every_batch_is_acknowledged(make_frame):
    sink = MemorySink()
    frames = [make_frame(i, grazing=i % 2 == 1) for i in range(6)]
    source = ListSource(contents=[Batch(frames=tuple(frames[:4])), Batch(frames=tuple(frames[4:]))])

    line(sink).run(source)

    assert source.acknowledged == [0, 1]
    assert [sink.records[f.key].prediction.technique for f in frames] == [Technique.SAXS, Technique.GISAXS] * 3


def test_nothing_is_acknowledged_or_observed_when_the_sink_fails(make_frame):
    seen = []

    class Observer:
        observe = staticmethod(seen.append)

    source = ListSource(contents=[Batch(frames=(make_frame(),))])
    sink = MemorySink(failures=[SinkUnavailable("gone")])

    with pytest.raises(SinkUnavailable):
        line(sink, observers=[Observer()]).run(source)

    assert source.acknowledged == []
    assert seen == []
    assert sink.records == {}


def test_a_dark_frame_is_no_signal_and_never_reaches_the_classifier(make_frame):
    class Untouchable(TinyClassifier):
        def classify(self, features):
            raise AssertionError("the classifier was asked about a dark frame")

    dark = make_frame(image=np.zeros((120, 100), dtype=np.int32))
    pipeline = Pipeline(featurizer=TinyFeaturizer(), classifier=Untouchable(), sink=MemorySink())

    (record,) = pipeline.process(Batch(frames=(dark,))).records

    assert record.prediction.decided is Parent.NO_SIGNAL
    assert record.prediction.technique is None
    assert record.prediction.probabilities is None


def test_metadata_decides_the_angle_and_the_contradiction_is_flagged(make_frame):
    close = Geometry(distance=0.05, wavelength=1e-10, pixel_size=172e-6, beam_centre=(60.0, 50.0))

    (record,) = line(MemorySink()).process(Batch(frames=(make_frame(geometry=close),))).records

    assert record.prediction.technique is Technique.WAXS
    assert "small angle" in record.prediction.contradiction
    assert "q90" in record.prediction.evidence[0]


def test_a_classifier_trained_on_other_features_is_refused_at_once():
    with pytest.raises(ModelError, match="other features"):
        Pipeline(featurizer=TinyFeaturizer(digest="newer"), classifier=TinyClassifier(), sink=MemorySink())


def test_the_outcome_carries_what_the_source_said(make_frame):
    batch = Batch(frames=(make_frame(),), ended=(RunEnd(run="run"),))

    outcome = line(MemorySink()).process(batch)

    assert outcome.model == "tiny@0.0.0"
    assert outcome.ended == batch.ended
    assert set(outcome.seconds) == {"check", "featurize", "classify", "write"}
