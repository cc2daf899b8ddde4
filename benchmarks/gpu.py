"""The device graph on an accelerator: frames per second, beside what the copy of the frames to it allows.

    KERAS_BACKEND=jax PYTHONPATH=. python benchmarks/gpu.py

Needs NumPy, Keras and one of its backends, nothing else; runs where Keras puts it, also on a CPU. Frames are synthetic,
of a Pilatus 2M unless `--shape` says otherwise. `host`: frames in the memory of the host, copied batch by batch, two
batches under way (`--feeders`). `device`: frames that are on the device already. `copy`: the copying alone, the same
bytes, in turn with the others. Medians of the rounds. Agreement: the largest difference to the same graph on the CPU,
and to `camsortxs.features` where that can be imported.
"""

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import keras
import numpy as np
from keras import ops

from camsortxs.device.accelerator import accelerator
from camsortxs.device.graph import FeatureGraph

SHIPPED = ("histogram.statistics", "glcm.all", "radial.profile", "radial.harmonics", "radial.asymmetry")
"""What the shipped model looks at."""
DISTINCT = 8
Batch = dict[str, Any]


def frames(count: int, shape: tuple[int, int], seed: int = 0) -> Batch:
    """Draw rings about a beam beside the middle, in Poisson counts, with the gaps of a detector as bad pixels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    images, masks = np.empty((count, *shape), np.int32), np.zeros((count, *shape), np.bool_)
    for number in range(min(count, DISTINCT)):
        row, column = rng.uniform(0.3, 0.7, 2) * shape
        radius = np.hypot(rows - row, columns - column) / max(shape)
        rings = sum(40 * np.exp(-(((radius - place) / 0.01) ** 2)) for place in rng.uniform(0.1, 0.6, 3))
        images[number] = rng.poisson(2000 / (1 + (radius / 0.02) ** 2) + rings + 0.5)
        masks[number, :: max(shape[0] // 8, 1)] = True
        masks[number, :, :: max(shape[1] // 3, 1)] = True
    for number in range(DISTINCT, count):
        images[number], masks[number] = images[number % DISTINCT], masks[number % DISTINCT]
    images[masks] = -1
    return {"images": images, "masks": masks}


def rate(work: Callable[[], Any], count: int) -> float:
    """Return how many frames a second `work` gets done, which does `count`."""
    start = perf_counter()
    work()
    return count / (perf_counter() - start)


def copied(batch: Batch) -> Batch:
    """Copy a batch to the device, as the bytes that they are, and wait until it is there."""
    there = {name: ops.convert_to_tensor(_floats(values)) for name, values in batch.items()}
    for values in there.values():
        ops.convert_to_numpy(values[-1:])
    return there


def _floats(values: Any) -> Any:
    """Return the same bytes as floats: TensorFlow keeps whole numbers in the memory of the host."""
    flat = values.reshape(-1).view(np.uint8)
    return flat[: flat.size // 4 * 4].view(np.float32)


def speeds(graph: FeatureGraph, batch: Batch, *, total: int, rounds: int, feeders: int) -> dict[str, float]:
    """Measure frames per second from the host, on the device, and of the copy alone, in turn."""
    size = len(batch["images"])
    times = max(total // size, 1)
    resident = {name: ops.convert_to_tensor(values) for name, values in batch.items()}

    def again(work: Callable[[Batch], Any], given: Batch, at_once: int) -> Callable[[], Any]:
        def many() -> None:
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(work, [given] * times))

        return many

    works = {
        "host": again(graph.predict_on_batch, batch, feeders),
        "device": again(graph.predict_on_batch, resident, feeders),
        "copy": again(copied, batch, feeders),
    }
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(rate(work, size * times))
    return {name: median(values) for name, values in found.items()}


def agreement(names: list[str], batch: Batch, count: int = 4) -> dict[str, dict[str, float]]:
    """Return the largest differences to the CPU, for the standardised image and each representation."""
    few = {name: values[:count] for name, values in batch.items()}
    here = FeatureGraph(names, standards=True).predict_on_batch(few)
    with keras.device("cpu:0"):
        on_cpu = FeatureGraph(names, standards=True).predict_on_batch(few)
    compared = {"the same graph on the CPU": _apart(names, here, on_cpu)}
    try:
        compared["camsortxs.features"] = _apart(names, here, _features(names, few))
    except ImportError as missing:
        print(f"camsortxs.features is not compared: {missing}")
    return compared


def _features(names: list[str], batch: Batch) -> dict[str, Any]:
    from camsortxs.features.catalogue import CATALOGUE
    from camsortxs.features.standard import standardise
    from camsortxs.frames import Frame, FrameKey

    key = FrameKey(run="benchmark", stream="primary", data_key="detector", index=0)
    pairs = zip(batch["images"], batch["masks"], strict=True)
    alike = [standardise(Frame(key=key, image=image, mask=mask)) for image, mask in pairs]
    values = {name: np.stack([CATALOGUE[name].compute(one) for one in alike]) for name in names}
    return {**values, "image": np.stack([one.image for one in alike])}


def _apart(names: list[str], one: dict[str, Any], other: dict[str, Any]) -> dict[str, float]:
    return {name: float(np.abs(one[name] - other[name]).max()) for name in ("image", *names)}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--representations", nargs="+", default=list(SHIPPED), metavar="NAME")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=256, help="how many go through in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--feeders", type=int, default=2, help="batches under way at once")
    parser.add_argument("--shape", type=int, nargs=2, default=(1679, 1475), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--out", type=Path, help="write the figures here, as JSON")
    asked = parser.parse_args()

    batch = frames(asked.batch, tuple(asked.shape))
    graph = FeatureGraph(asked.representations)
    compiling = 1 / rate(lambda: graph.predict_on_batch(batch), 1)
    speed = speeds(graph, batch, total=asked.frames, rounds=asked.rounds, feeders=asked.feeders)
    figures = {
        "backend": keras.backend.backend(),
        "device": accelerator() or "cpu",
        "representations": asked.representations,
        "shape": list(asked.shape),
        "batch": asked.batch,
        "megabytes_per_frame": sum(values[0].nbytes for values in batch.values()) / 1e6,
        "first_batch_seconds": compiling,
        "frames_per_second": speed,
        "host_over_copy": speed["host"] / speed["copy"],
        "agreement": agreement(asked.representations, batch),
    }
    print(f"{figures['backend']} on {figures['device']}: {', '.join(asked.representations)}")
    print(f"frames of {asked.shape[0]} x {asked.shape[1]}, {figures['megabytes_per_frame']:.2f} MB, by {asked.batch}")
    print(f"{'first batch':<12}{compiling:>12.2f} s")
    for name, value in speed.items():
        print(f"{name:<12}{value:>12.1f} frames/s")
    print(f"{'host / copy':<12}{figures['host_over_copy']:>12.3f}")
    for other, apart in figures["agreement"].items():
        print(f"largest difference to {other}")
        for name, value in apart.items():
            print(f"    {name:<24}{value:.2g}")
    if asked.out:
        asked.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
