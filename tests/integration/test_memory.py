"""How much memory frames take on their way: no more than the workers look at."""

import tracemalloc

import h5py
import hdf5plugin
import numpy as np
import pytest
from support.bluesky_runs import BlueskyRun

from camsortxs.adapters.pixels import FilePixels
from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.features.chain import Chain
from camsortxs.frames import Batch
from camsortxs.model import Model
from camsortxs.pipeline import Pipeline
from camsortxs.testing import MemorySink
from camsortxs_agent.documents import RunDocuments

SIDE, COUNT = 2000, 12


@pytest.fixture
def run_of_large_frames(tmp_path, rng):
    image = rng.poisson(3.0 + 50.0 / (1 + np.hypot(*np.mgrid[-1000:1000, -1000:1000]) / 50), (SIDE, SIDE)).astype("<i4")
    with h5py.File(tmp_path / "stream.h5", "w") as file:
        options = dict(hdf5plugin.Bitshuffle(cname="lz4"))
        data = file.create_dataset("/entry/data/data", (COUNT, SIDE, SIDE), "<i4", chunks=(1, SIDE, SIDE), **options)
        for index in range(COUNT):
            data[index] = image
    return BlueskyRun(frames=COUNT).stream(tmp_path / "stream.h5", steps=[(i, i + 1) for i in range(COUNT)])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_needs_the_memory_of_three_frames_at_most(run_of_large_frames, workers, tmp_path):
    bundle = load_bundle(default_bundle())
    chain = Chain(bundle.manifest.features.representations)
    chain.warm_up()
    line = Pipeline(
        model=Model(featurizer=chain, classifier=OnnxClassifier(bundle)), sink=MemorySink(), workers=workers
    )
    documents = list(run_of_large_frames)
    run = RunDocuments(documents[0][1], pixels=FilePixels(roots=[tmp_path], patience=0.0))
    items = [item for name, document in documents[1:-1] for item in run.consume(name, document)]
    line.process(Batch(frames=(items.pop(0),)))  # the first event is read at once, and gone now

    tracemalloc.start()
    outcome = line.process(Batch(unread=tuple(items)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(outcome.records) == COUNT - 1
    assert peak <= 3 * workers * SIDE * SIDE * 4
