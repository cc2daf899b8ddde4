import threading
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

from camsortxs.errors import ModelError, SinkUnavailable
from camsortxs.flags import Flag
from camsortxs.frames import Batch, Geometry, Rejected, RunEnd, Unread
from camsortxs.model import Model
from camsortxs.pipeline import Pipeline
from camsortxs.techniques import Parent, Technique
from camsortxs.testing import ListSource, MemorySink, TinyClassifier, TinyFeaturizer, tiny_model


def line(sink, **options) -> Pipeline:
    return Pipeline(model=tiny_model(), sink=sink, **options)


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
    pipeline = Pipeline(model=Model(featurizer=TinyFeaturizer(), classifier=Untouchable()), sink=MemorySink())

    (record,) = pipeline.process(Batch(frames=(dark,))).records

    assert record.prediction.decided is Parent.NO_SIGNAL
    assert record.prediction.technique is None
    assert record.prediction.probabilities is None
    assert record.prediction.flags == (Flag.DARK,)


def test_metadata_decides_the_angle_and_the_contradiction_is_flagged(make_frame):
    close = Geometry(distance=0.05, wavelength=1e-10, pixel_size=172e-6, beam_centre=(60.0, 50.0))

    (record,) = line(MemorySink()).process(Batch(frames=(make_frame(geometry=close),))).records

    assert record.prediction.technique is Technique.WAXS
    assert "small angle" in record.prediction.contradiction
    assert "q90" in record.prediction.evidence[0]
    assert record.prediction.flags == (Flag.METADATA_CONFLICT,)


def test_a_q_range_between_small_and_wide_is_flagged(make_frame):
    between = Geometry(distance=0.09, wavelength=1e-10, pixel_size=172e-6, beam_centre=(60.0, 50.0))

    (record,) = line(MemorySink()).process(Batch(frames=(make_frame(geometry=between),))).records

    assert record.prediction.flags == (Flag.MID,)


@dataclass(frozen=True, kw_only=True)
class Clueless(TinyClassifier):
    def classify(self, features):
        return np.tile(np.float32([0.3, 0.26, 0.24, 0.2]), (len(features.values), 1))


def test_metadata_names_nothing_where_the_image_shows_nothing(make_frame):
    """A flat field with a distance in its header is no WAXS, nor wide angle."""
    close = Geometry(distance=0.15, wavelength=1e-10, pixel_size=172e-6, beam_centre=(60.0, 50.0))
    empty = Pipeline(model=Model(featurizer=TinyFeaturizer(), classifier=Clueless()), sink=MemorySink())
    (record,) = empty.process(Batch(frames=(make_frame(geometry=close),))).records

    assert record.prediction.decided is Parent.UNKNOWN
    assert record.prediction.probabilities == pytest.approx((0.3, 0.26, 0.24, 0.2))
    assert (record.prediction.evidence, record.prediction.contradiction) == ((), None)


def test_a_classifier_trained_on_other_features_is_refused_at_once():
    with pytest.raises(ModelError, match="other features"):
        Model(featurizer=TinyFeaturizer(digest="newer"), classifier=TinyClassifier())


def test_the_outcome_carries_what_the_source_said(make_frame):
    batch = Batch(frames=(make_frame(),), ended=(RunEnd(run="run"),))

    outcome = line(MemorySink()).process(batch)

    assert outcome.model == "tiny@0.0.0"
    assert outcome.ended == batch.ended
    assert set(outcome.seconds) == {"read", "check", "featurize", "classify", "write"}


def test_unread_frames_are_read_by_the_workers_and_no_more_at_once_than_there_are(make_frame):
    lock, alive, most = threading.Lock(), [], []

    class Slow(TinyFeaturizer):
        def featurize(self, frames):
            time.sleep(0.01)
            with lock:
                most.append(len(alive))
                alive.pop()
            return super().featurize(frames)

    def unread(index):
        def read():
            with lock:
                alive.append(index)
            return [make_frame(index)]

        return Unread(key=make_frame(index).key, read=read)

    sink = MemorySink()
    pipeline = Pipeline(model=Model(featurizer=Slow(), classifier=TinyClassifier()), sink=sink, workers=2)
    pipeline.process(Batch(frames=(), unread=tuple(unread(i) for i in range(12))))

    assert sorted(key.index for key in sink.records) == list(range(12))
    assert max(most) == 2


def test_an_unread_frame_that_is_none_costs_only_itself(make_frame):
    refusal = Rejected(reason="missing_file", message="gone", key=make_frame(0).key)
    items = [[refusal], [make_frame(1)], [make_frame(2), make_frame(3)]]
    unread = tuple(Unread(key=make_frame(0).key, read=lambda found=found: found) for found in items)

    outcome = line(MemorySink()).process(Batch(unread=unread))

    assert outcome.rejected == (refusal,)
    assert [record.key.index for record in outcome.records] == [1, 2, 3]


@pytest.mark.parametrize("group", [1, 3, 100])
def test_frames_keep_their_features_however_they_are_grouped(make_frame, group):
    frames = tuple(make_frame(i, grazing=i % 3 == 0) for i in range(7))
    dark = make_frame(7, image=np.zeros((120, 100), dtype=np.int32))

    alone = line(MemorySink()).process(Batch(frames=(*frames, dark))).records
    several = Pipeline(model=replace(tiny_model(), group=group), sink=MemorySink(), workers=3)
    grouped = several.process(Batch(frames=(*frames, dark))).records

    assert [r.prediction for r in grouped] == [r.prediction for r in alone]


def test_the_records_of_a_batch_are_of_one_model_and_the_next_batch_is_of_the_next(make_frame):
    class Swapping(TinyFeaturizer):
        def featurize(self, frames):
            pipeline.serve(tiny_model("tiny@0.0.2"))
            return super().featurize(frames)

    first = Model(featurizer=Swapping(), classifier=TinyClassifier(reference="tiny@0.0.1"))
    pipeline = Pipeline(model=first, sink=MemorySink())

    outcomes = [pipeline.process(Batch(frames=tuple(make_frame(i) for i in places))) for places in ((0, 1), (2,))]

    assert [{outcome.model, *(r.model for r in outcome.records)} for outcome in outcomes] == [
        {"tiny@0.0.1"},
        {"tiny@0.0.2"},
    ]
