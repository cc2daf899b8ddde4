"""What a frame costs, beside what it would cost otherwise: medians, interleaved in one run, one thread.

    make bench

prints a table and writes `benchmarks/results.json`. Absolute times are those of the machine at hand; compare ratios.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402 - the number of threads is read at import
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from skimage.transform import resize  # noqa: E402

from camsortxs.classifiers.bundle import default_bundle, load_bundle  # noqa: E402
from camsortxs.classifiers.onnx import OnnxClassifier  # noqa: E402
from camsortxs.features.chain import Chain  # noqa: E402
from camsortxs.features.standard import standardise  # noqa: E402
from camsortxs.masks import bad_pixels  # noqa: E402
from camsortxs.signal import no_signal  # noqa: E402
from camsortxs.simulate import draw  # noqa: E402

ROUNDS = 15
COMMAND = "make bench"


def main() -> None:
    """Measure and report."""
    frame = draw("GISAXS", seed=1, shape=(1679, 1475)).frame()
    bundle = load_bundle(default_bundle())
    chain, classifier = Chain(bundle.manifest.features.representations), OnnxClassifier(bundle)
    features = chain.featurize([frame])
    copy: Callable[[], Any] = frame.image.copy
    pairs: list[tuple[str, Callable[[], Any], str, Callable[[], Any]]] = [
        (
            "standardise a Pilatus 2M frame",
            lambda: standardise(frame),
            "skimage.transform.resize(anti_aliasing=True)",
            lambda: resize(frame.image.astype(np.float32), (256, 225), anti_aliasing=True),
        ),
        ("find bad pixels", lambda: bad_pixels(frame.image), "numpy copy of the frame", copy),
        ("check for signal", lambda: no_signal(frame), "numpy copy of the frame", copy),
        ("all features of the shipped model", lambda: chain.featurize([frame]), "numpy copy of the frame", copy),
        ("one prediction by ONNX", lambda: classifier.classify(features), "numpy copy of the frame", copy),
    ]
    rows = [_measure(*pair) for pair in pairs]
    table = Table("what", "ours, ms", "beside it", "its, ms", "ratio", title=f"medians of {ROUNDS}, one thread")
    for row in rows:
        table.add_row(row["name"], f"{row['ours_ms']:.2f}", row["peer"], f"{row['peer_ms']:.2f}", f"{row['ratio']:.3g}")
    Console().print(table)
    Path(__file__).with_name("results.json").write_text(json.dumps(rows, indent=2) + "\n")


def _measure(name: str, ours: Callable[[], Any], peer: str, other: Callable[[], Any]) -> dict[str, Any]:
    """Time the two in turn; the ratio is how many times faster ours is."""
    times: tuple[list[float], list[float]] = ([], [])
    for work in (ours, other):
        work()
    for _ in range(ROUNDS):
        for work, kept in zip((ours, other), times, strict=True):
            start = perf_counter()
            work()
            kept.append(1000 * (perf_counter() - start))
    mine, its = median(times[0]), median(times[1])
    ratio = median(b / a for a, b in zip(*times, strict=True))
    return {
        "name": name,
        "ours_ms": round(mine, 3),
        "peer": peer,
        "peer_ms": round(its, 3),
        "ratio": round(ratio, 3),
        "agreement": None,
        "command": COMMAND,
    }


if __name__ == "__main__":
    main()
