"""The models of an agent: real bundles on disk, one that serves and one that looks on."""

import threading
import time

import pytest
from classifiers.bundles import promote, spoil, write_bundle

from camsortxs.frames import Batch
from camsortxs.testing import MemorySink
from camsortxs_agent.metrics import Metrics
from camsortxs_agent.models import Models
from camsortxs_agent.serving import load_model
from camsortxs_agent.settings import ModelSettings


@pytest.fixture
def folder(tmp_path):
    for version in ("0.1.0", "0.2.0"):
        write_bundle(tmp_path / "models", name=f"tiny/{version}")
    promote(tmp_path / "models", "0.1.0")
    return tmp_path / "models"


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def make(folder, metrics):
    def build(**settings):
        settings = ModelSettings(path=folder, device="cpu", watch_seconds=0, **settings)
        return Models(settings, metrics, load=load_model)

    return build


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def until(reached):
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def reloads(metrics, role, result):
    return value(metrics, "camsortxs_model_reloads_total", role=role, result=result)


def test_a_challenger_is_loaded_beside_the_champion_and_follows_its_disk(make, folder, metrics, make_frame):
    models = make(challenger=folder / "tiny" / "0.2.0")
    line = models.line(MemorySink(), metrics)

    with models.watched():
        until(lambda: reloads(metrics, "challenger", "swapped"))
        (record,) = line.process(Batch(frames=(make_frame(),))).records
        assert (record.model, record.challenger.model) == ("tiny@0.1.0", "tiny@0.2.0")
        said = str(record.prediction.decided)
        labels = {"decided": said, "challenger": str(record.challenger.prediction.decided), "agrees": "yes"}
        assert value(metrics, "camsortxs_frames_challenged_total", **labels) == 1

        promote(folder, "0.2.0")
        models.ask()
        until(lambda: reloads(metrics, "champion", "swapped"))
        assert models.reference == "tiny@0.2.0"
        (record,) = line.process(Batch(frames=(make_frame(1),))).records
        assert record.model == "tiny@0.2.0"
    assert "reload" not in {thread.name for thread in threading.enumerate()}


def test_a_challenger_that_is_not_to_be_used_is_told_and_stops_nothing(make, folder, metrics, make_frame):
    mend = spoil(folder, "0.2.0")
    models = make(challenger=folder / "tiny" / "0.2.0")
    line = models.line(MemorySink(), metrics)

    with models.watched():
        until(lambda: reloads(metrics, "challenger", "refused"))
        assert value(metrics, "camsortxs_model_refused", role="challenger") == 1
        (record,) = line.process(Batch(frames=(make_frame(),))).records
        assert (record.model, record.challenger) == ("tiny@0.1.0", None)

        mend()
        models.ask()
        until(lambda: reloads(metrics, "challenger", "swapped"))
        assert value(metrics, "camsortxs_model_refused", role="challenger") == 0
        (record,) = line.process(Batch(frames=(make_frame(1),))).records
        assert record.challenger.model == "tiny@0.2.0"


def test_drift_is_that_of_the_frames_which_the_serving_model_saw(make, metrics, make_frame):
    models = make(drift_frames=150, drift_frames_a_run=10_000)
    line = models.line(MemorySink())
    assert value(metrics, "camsortxs_drift_window_frames") == 0
    assert value(metrics, "camsortxs_features_outside_ratio") is None

    line.process(Batch(frames=tuple(make_frame(i) for i in range(120))))

    assert value(metrics, "camsortxs_drift_window_frames") == 120
    name = "histogram.statistics.mean"
    assert value(metrics, "camsortxs_feature_drift_psi", feature=name) > 0.25
    assert 0 < value(metrics, "camsortxs_features_drifted_ratio") <= 1
    assert 0 <= value(metrics, "camsortxs_features_outside_ratio") <= 1


def test_without_a_window_there_is_no_drift(make, metrics, make_frame):
    models = make(drift_frames=0)
    models.line(MemorySink()).process(Batch(frames=(make_frame(),)))

    assert value(metrics, "camsortxs_drift_window_frames") is None
