"""A bundle trained in milliseconds, for tests."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from camsortxs.classifiers.champion import Pointer, Served, write_pointer
from camsortxs.features.chain import Chain
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.evaluate import Answer, evaluate
from camsortxs.offline.export import export
from camsortxs.offline.train import Trained
from camsortxs.techniques import TECHNIQUES, Technique

REPRESENTATIONS = ("histogram.statistics",)


def make_dataset(rows: int = 80, features: tuple[str, ...] = Chain(REPRESENTATIONS).names) -> Dataset:
    """Four separable clouds, in ten groups."""
    rng = np.random.default_rng(7)
    labels = np.arange(rows) % 4
    values = rng.normal(0, 0.3, (rows, len(features))).astype(np.float32)
    values[:, 0] += labels
    values[:, 1] -= labels
    groups = np.array([f"g{i // 4 % 10}" for i in range(rows)])
    return Dataset.certain(features, values, labels, groups)


def make_trained(dataset: Dataset, trees: int = 10) -> Trained:
    estimator = ExtraTreesClassifier(trees, max_depth=4, random_state=0).fit(dataset.values, dataset.labels)
    p = estimator.predict_proba(dataset.values).astype(np.float32)
    return Trained(
        estimator=estimator,
        classifiers=("et",),
        temperature=0.8,
        threshold=0.6,
        out_of_fold=p,
        leaderboard={"et": {"AUC": 1.0}},
    )


def figures(dataset: Dataset, trained: Trained) -> dict:
    answers = [
        Answer(truth=TECHNIQUES[label], group=str(group), decided=Technique.SAXS, probabilities=tuple(p))
        for label, group, p in zip(dataset.labels, dataset.groups, trained.out_of_fold.tolist(), strict=True)
    ]
    return evaluate(answers, resamples=5)


def make_images(count: int = 2) -> list[np.ndarray]:
    """Small images of counts that fall off from the middle."""
    rng = np.random.default_rng(8)
    rows, columns = np.mgrid[:64, :48]
    far = np.hypot(rows - 32, columns - 24)
    return [rng.poisson(300.0 / (1 + far / (2 + place)) ** 2 + 0.5).astype(np.int32) for place in range(count)]


def write_bundle(parent: Path, *, name: str = "tiny/0.1.0", golden: bool = True) -> Path:
    """Write `tiny/0.1.0` below `parent` and return its folder."""
    dataset = make_dataset()
    trained = make_trained(dataset)
    folder = parent / name
    export(
        trained,
        dataset,
        Chain(REPRESENTATIONS),
        folder=folder,
        description="four clouds",
        held_out=make_dataset(40).values[::-1].copy(),
        metrics=figures(dataset, trained),
        command="camsortxs train",
        golden=make_images() if golden else (),
    )
    return folder


def promote(models: Path, version: str) -> None:
    """Have `champion.json` name this version of the tiny one."""
    write_pointer(models, Pointer(champion=Served(model=f"tiny/{version}", since=datetime.now(UTC), why="")))


def spoil(models: Path, version: str) -> Callable[[], object]:
    """Change one byte of the classifier; return what undoes it."""
    file = models / "tiny" / version / "classifier.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    return lambda: file.write_bytes(whole)
