"""What it costs to compute the features of one standardised frame, in microseconds, on one thread."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from camsortxs.errors import ModelError
from camsortxs.features.catalogue import CATALOGUE
from camsortxs.features.embedding import Embedding
from camsortxs.features.standard import Standard, standardise
from camsortxs.frames import Frame
from camsortxs.offline.grid.plan import UNIONS

_REPEATS = 3


def featurization(
    features: Iterable[str], frames: Callable[[], Sequence[Frame]], embeddings: Mapping[str, Embedding], *, file: Path
) -> dict[str, float]:
    """Return the microseconds of each representation or union: the median over `frames` of the best of three times.

    The frame is standardised already; what several representations of a union share is made once. Times that `file`
    holds are taken from there, and those that are new are added to it; only for those are frames asked for.

    Raises
    ------
    ModelError
        When that cannot be read.
    """
    wanted = {name: _dated(name) for name in features}
    known = _known(file)
    if missing := [name for name in wanted if wanted[name] not in known]:
        standards = [standardise(frame) for frame in frames()]
        for name in missing:
            _time(name, standards[0], embeddings)  # compiles what is compiled at its first use
            known[wanted[name]] = float(np.median([_time(name, standard, embeddings) for standard in standards]))
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent, suffix=".part", delete=False) as part:
            json.dump(known, part, indent=1)
        os.replace(part.name, file)
    return {name: known[dated] for name, dated in wanted.items()}


def _known(file: Path) -> dict[str, float]:
    try:
        return dict(json.loads(file.read_text())) if file.is_file() else {}
    except ValueError as error:
        raise ModelError(f"{file} is not what was written there ({error}): remove it") from error


def _dated(name: str) -> str:
    return " ".join(f"{part} v{CATALOGUE[part].version}" for part in UNIONS.get(name, (name,)))


def _time(name: str, standard: Standard, embeddings: Mapping[str, Embedding]) -> float:
    parts = [CATALOGUE[each] for each in UNIONS.get(name, (name,))]
    compute = [
        partial(part.compute, embedding=embeddings[part.embedding]) if part.embedding else part.compute
        for part in parts
    ]
    took = []
    for _ in range(_REPEATS):
        standard.made.clear()
        began = time.perf_counter()
        for each in compute:
            each(standard)
        took.append(time.perf_counter() - began)
    return 1e6 * min(took)
