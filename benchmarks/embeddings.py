"""The table of the shipped embeddings: `python benchmarks/embeddings.py --frames DIR` (with a `labels.csv` in it).

What they cost, how good their own heads are on simulated detectors that they have not seen (from `embedding.json`), and
how good on labelled frames, by the image alone, where such are given. As Markdown.
"""

import argparse
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from camsortxs.classifiers.embeddings import OnnxEmbedding, shipped_embedding
from camsortxs.cli.labelled import frames_of
from camsortxs.features import deep, lenet
from camsortxs.features.embedding import PICTURE_SIDE, Single, picture_of
from camsortxs.features.standard import standardise
from camsortxs.offline.evaluate import Answer, evaluate
from camsortxs.offline.labels import read_labels
from camsortxs.techniques import TECHNIQUES, Technique

Picture = tuple[Single, Technique, str]


def pictures(folder: Path, labels: Path) -> list[Picture]:
    """Return the pictures of labelled frames, their techniques and sources."""
    errors: list[dict[str, str]] = []
    found = [
        (picture_of(standardise(frame)), row.technique, row.group)
        for row in read_labels(labels, folder)
        if row.technique is not None
        for frame in frames_of(row, errors)
    ]
    for error in errors:
        print(f"not read: {error}")
    return found


def right(embedding: OnnxEmbedding, real: list[Picture]) -> dict[str, Any]:
    """Return the figures of an embedding's own head on `real`."""
    said = [embedding.look(picture).probabilities for picture, _, _ in real]
    return evaluate(
        [
            Answer(truth=truth, group=group, decided=TECHNIQUES[int(p.argmax())], probabilities=tuple(map(float, p)))
            for (_, truth, group), p in zip(real, said, strict=True)
        ]
    )


def milliseconds(embedding: OnnxEmbedding, times: int = 60) -> float:
    """Return the median time of one look, on one thread."""
    picture = np.random.default_rng(0).random((PICTURE_SIDE, PICTURE_SIDE), dtype=np.float32)
    spent = []
    for _ in range(times):
        begun = perf_counter()
        embedding.look(picture)
        spent.append(1e3 * (perf_counter() - begun))
    return median(spent)


def cell(figure: dict[str, Any]) -> str:
    """Spell a figure with its interval."""
    low, high = figure["interval"]
    return f"{figure['value']:.2f} ({low:.2f} - {high:.2f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, help="folder of labelled frames")
    parser.add_argument("--labels", type=Path, help="table of labels other than FRAMES/labels.csv")
    arguments = parser.parse_args()
    real = pictures(arguments.frames, arguments.labels or arguments.frames / "labels.csv") if arguments.frames else []
    print("| family | parameters | MB | epochs | min | held-out detectors | real, by frame | real, by source | ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in (lenet.NAME, *deep.FAMILIES):
        embedding = shipped_embedding(name)
        manifest = embedding.manifest
        metrics = manifest.metrics
        figures = right(embedding, real) if real else None
        cells = [
            f"`{name}`",
            f"{manifest.parameters:,}",
            f"{len(embedding.graph) / 1e6:.1f}",
            str(len(metrics["epochs"])),
            f"{metrics['minutes']:.1f}",
            cell(metrics["held_out"]["by_frame"]["accuracy"]),
            *(cell(figures[by]["accuracy"]) if figures else "" for by in ("by_frame", "by_group")),
            f"{milliseconds(embedding):.1f}",
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
