"""What one prediction costs: the exported model beside pycaret's own way and a scikit-learn pipeline."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measure import measure
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier, calibrate
from camsortxs.features.base import Features
from camsortxs.features.chain import Chain
from camsortxs.frames import FrameKey
from camsortxs.offline.dataset import Dataset, LabelledFrame, tabulate, target_of
from camsortxs.offline.export import export
from camsortxs.offline.judged import out_of_fold_figures
from camsortxs.offline.recipe import recipe_of
from camsortxs.offline.train import Options, Trained, train
from camsortxs.simulate import draw_many
from camsortxs.techniques import TECHNIQUES


def rows() -> list[dict[str, Any]]:
    """Train as the shipped model was, on fewer and smaller frames: what a tree costs does not depend on them."""
    shipped = load_bundle(default_bundle()).manifest
    chain = Chain(shipped.features.representations)
    learned, apart = _drawn(chain, count=320, seed=3), _drawn(chain, count=80, seed=4)
    trained = train(learned, recipe_of(shipped).classifiers, Options(folds=3))
    with tempfile.TemporaryDirectory() as folder:
        export(
            trained,
            learned,
            chain,
            folder=Path(folder, "bench", "0.0.0"),
            description="benchmark",
            held_out=apart.values,
            metrics=out_of_fold_figures(learned, trained),
            command="make bench",
        )
        classifier = OnnxClassifier(load_bundle(Path(folder, "bench", "0.0.0")))
    return _compared(classifier, trained, learned, apart)


def _drawn(chain: Chain, *, count: int, seed: int) -> Dataset:
    kinds = tuple(map(str, TECHNIQUES))
    return tabulate(
        (
            LabelledFrame(
                frame=drawn.frame(), target=target_of(drawn.technique), group=drawn.detector, origin="simulated"
            )
            for drawn in draw_many(kinds, count=count, seed=seed, shape=(128, 128))
        ),
        chain,
    )


def _compared(classifier: OnnxClassifier, trained: Trained, learned: Dataset, apart: Dataset) -> list[dict[str, Any]]:
    from pycaret.classification import ClassificationExperiment

    # pycaret names columns that its own estimator was fitted without.
    warnings.filterwarnings("ignore", message="X has feature names", category=UserWarning)
    columns = [f"f{place}" for place in range(apart.values.shape[1])]
    table = pd.DataFrame(apart.values[:1], columns=columns)
    experiment = ClassificationExperiment()
    experiment.setup(
        data=pd.DataFrame(learned.values, columns=columns).assign(technique=learned.labels),
        target="technique",
        preprocess=False,
        html=False,
        verbose=False,
        system_log=False,
    )
    pipeline = make_pipeline(FunctionTransformer(), trained.estimator)
    agreement = _agreement(classifier, pipeline, trained, apart)

    def ours() -> Any:
        return classifier.classify(_features(apart, 1))

    peers: dict[str, Callable[[], Any]] = {
        "pycaret.predict_model": lambda: experiment.predict_model(trained.estimator, table, verbose=False),
        "scikit-learn pipeline, predict_proba": lambda: pipeline.predict_proba(apart.values[:1]),
    }
    return [measure("one prediction", ours, name, peer, agreement=agreement) for name, peer in peers.items()]


def _agreement(classifier: OnnxClassifier, pipeline: Any, trained: Trained, apart: Dataset) -> dict[str, Any]:
    served = classifier.classify(_features(apart, len(apart.values)))
    python = calibrate(pipeline.predict_proba(apart.values), trained.temperature)
    return {
        "labels_equal": int((served.argmax(axis=1) == python.argmax(axis=1)).sum()),
        "rows": len(served),
        "largest_dp": float(np.abs(served - python).max()),
    }


def _features(rows: Dataset, count: int) -> Features:
    return Features(keys=tuple(_key(place) for place in range(count)), names=rows.names, values=rows.values[:count])


def _key(place: int) -> FrameKey:
    return FrameKey(run="bench", stream="bench", data_key="bench", index=place)
