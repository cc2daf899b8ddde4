"""How much memory the line needs: frames in flight at their peak, and whether it grows over many frames."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import psutil

from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference
from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.features.chain import Chain
from camsortxs.frames import Batch, Frame, FrameKey, Unread
from camsortxs.masks import bad_pixels
from camsortxs.model import Model
from camsortxs.pipeline import Pipeline
from camsortxs.records import Outcome
from camsortxs.simulate import draw

SHAPE = (619, 487)  # Pilatus 300K: enough of them in two minutes
DATASET = "/entry/data/data"
STACK, BATCH = 32, 16


def rows(*, frames: int = 20_000) -> list[dict[str, Any]]:
    """Take many frames down the line, from a file, and see what the process holds."""
    bundle = load_bundle(default_bundle())
    chain = Chain(bundle.manifest.features.representations)
    line = Pipeline(model=Model(featurizer=chain, classifier=OnnxClassifier(bundle)), sink=_Nowhere(), workers=2)
    process, held = psutil.Process(), []
    with tempfile.TemporaryDirectory() as folder:
        for batch in _batches(_file(Path(folder).resolve() / "stack.h5"), frames):
            line.process(batch)
            held.append(process.memory_info().rss / 2**20)
    early, late = max(held[len(held) // 20 : len(held) // 10]), max(held[-len(held) // 20 :])
    return [
        {
            "name": f"memory after {frames} frames of {SHAPE[1]} x {SHAPE[0]}, MB",
            "ours_ms": None,
            "peer": f"after {frames // 10}",
            "peer_ms": None,
            "ratio": round(late / early, 4),
            "agreement": {"after_a_tenth_mb": round(early, 1), "after_all_mb": round(late, 1)},
            "command": "make bench",
        }
    ]


class _Nowhere:
    def write(self, outcome: Outcome) -> None:
        """Forget it."""


def _file(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        options = dict(hdf5plugin.Bitshuffle(cname="lz4"))
        data = file.create_dataset(DATASET, (STACK, *SHAPE), dtype="<i4", chunks=(1, *SHAPE), **options)
        for index in range(STACK):
            data[index] = draw(("SAXS", "GIWAXS")[index % 2], seed=6, index=index, shape=SHAPE).frame().image
    return path


def _batches(path: Path, frames: int) -> Iterator[Batch]:
    pixels = FilePixels(roots=[path.parent], patience=0.0)
    for first in range(0, frames, BATCH):
        keys = (FrameKey(run="bench", stream="s", data_key="d", index=first + place) for place in range(BATCH))
        yield Batch(unread=tuple(Unread(key=key, read=partial(_read, pixels, path, key)) for key in keys))


def _read(pixels: FilePixels, path: Path, key: FrameKey) -> list[Frame]:
    reference = PixelReference(
        uri=str(path), form="application/x-hdf5", parameters={"dataset": DATASET}, index=key.index % STACK
    )
    return [Frame(key=key, image=image, mask=bad_pixels(image)) for image in pixels.read(reference)]
