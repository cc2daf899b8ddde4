"""Simulated frames as pictures for a network, drawn once and kept."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from camsortxs import __version__
from camsortxs.features.catalogue import STANDARD_VERSION
from camsortxs.offline.embedding.pictures import Pictures, eight_bits, gather
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.simulate import Drawn

APART = 2_000_003
"""Added to a seed, so that no frame is drawn that `camsortxs train` draws with the same one.

A classifier that is trained on the very frames that its embedding was trained on believes it too much.
"""

Track = Callable[[Iterable[Any]], Iterable[Any]]


def draw_pictures(count: int, seed: int, *, work: Path, processes: int = 1, track: Track = iter) -> Pictures:
    """Draw `count` frames of the four techniques, or take those that lie in the folder `work` from the last time.

    The group of a frame is its detector; frames between small and wide are left out, as `camsortxs train` does.
    """
    from camsortxs import simulate  # here, for it compiles

    kept = work / f"pictures-{count}-{seed}-{_code(Path(simulate.__file__).parent)}.npz"
    if kept.exists():
        with np.load(kept, allow_pickle=False) as arrays:
            return Pictures(**arrays)
    drawn = simulate.draw_many(TECHNIQUES, count=count, seed=seed + APART, processes=processes, through=_picture)
    pictures = gather(row for row in track(drawn) if row is not None)
    work.mkdir(parents=True, exist_ok=True)
    half = kept.with_suffix(".half.npz")
    np.savez(half, images=pictures.images, labels=pictures.labels, groups=pictures.groups)
    half.replace(kept)
    return pictures


def _picture(drawn: "Drawn") -> tuple[npt.NDArray[np.uint8], int, str] | None:
    if drawn.technique is None or "mid" in drawn.flags:
        return None
    return eight_bits(drawn.frame()), TECHNIQUES.index(drawn.technique), drawn.detector


def _code(folder: Path) -> str:
    """Return a short digest of the code in `folder`: what another simulator drew is not taken for its own."""
    state = hashlib.sha256(f"{__version__} {STANDARD_VERSION}".encode())
    for path in sorted(folder.glob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()[:12]
