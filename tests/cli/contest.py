"""Frames of four kinds that are easy to tell apart, and bundles that do, or do not."""

from pathlib import Path

import numpy as np
import tifffile
from classifiers.bundles import REPRESENTATIONS, figures, make_images
from sklearn.ensemble import ExtraTreesClassifier

from camsortxs.features.chain import Chain
from camsortxs.frames import Frame, FrameKey
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.export import export
from camsortxs.offline.train import Trained
from camsortxs.techniques import TECHNIQUES


def image(place: int, seed: int) -> np.ndarray:
    """A frame that falls off from the middle, steeply or not, its lower half shaded or not."""
    rng = np.random.default_rng([place, seed])
    rows, columns = np.mgrid[:64, :56]
    rate = 400.0 / (1 + np.hypot(rows - 32, columns - 28) / (2 + 6 * (place % 2))) ** 2 + 0.5
    if place >= 2:
        rate = np.where(rows < 40, rate, 0.02)
    return rng.poisson(rate).astype(np.int32)


def write_frames(folder: Path, *, dark: int = 1, groups: int = 3, called: str = "source") -> Path:
    """Write two frames of every technique for each group, some dark ones, and a labels.csv; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["file,technique,source"]
    for place, technique in enumerate(TECHNIQUES):
        for number in range(2 * groups):
            name = f"{technique}_{number}.tif"
            tifffile.imwrite(folder / name, image(place, number))
            lines.append(f"{name},{technique},{called} {number % groups}")
    for number in range(dark):
        tifffile.imwrite(folder / f"dark_{number}.tif", np.zeros((64, 56), np.int32))
        lines.append(f"dark_{number}.tif,no_signal,{called} 0")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_model(models: Path, name: str, *, confused: bool = False, groups: str = "learnt", golden: bool = True):
    """Train on 40 such frames; a `confused` one was told SAXS of WAXS, and the other way round."""
    chain = Chain(REPRESENTATIONS)
    labels = np.arange(40) % 4
    frames = [
        Frame(
            key=FrameKey(run="r", stream="s", data_key="d", index=i),
            image=image(place, 1000 + i),
            mask=np.zeros((64, 56), bool),
        )
        for i, place in enumerate(labels)
    ]
    values = chain.featurize(frames).values
    told = np.array([1, 0, 2, 3])[labels] if confused else labels
    dataset = Dataset.certain(chain.names, values, told, np.array([f"{groups} {i % 5}" for i in range(40)]))
    estimator = ExtraTreesClassifier(20, random_state=0).fit(values, told)
    p = estimator.predict_proba(values).astype(np.float32)
    trained = Trained(
        estimator=estimator, classifiers=("et",), temperature=1.0, threshold=0.5, out_of_fold=p, leaderboard={"et": {}}
    )
    return export(
        trained,
        dataset,
        chain,
        folder=models / name,
        description="four kinds",
        held_out=values,
        metrics=figures(dataset, trained),
        command="none",
        golden=make_images() if golden else (),
    ).parent
