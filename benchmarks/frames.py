"""The frames of a Pilatus 2M that things are measured on."""

from collections.abc import Iterator
from pathlib import Path

from camsortxs.adapters.folder import FolderFrames
from camsortxs.frames import Frame

SHAPE = (1679, 1475)
REAL = Path(__file__).resolve().parents[2] / "shared" / "real"
"""Where a site keeps labelled frames beside the repository; without it, simulated ones have to do."""


def real() -> Frame | None:
    """Return the first frame of a Pilatus 2M in the folder of real ones."""
    return next((frame for frame in all_real() if frame.image.shape == SHAPE), None)


def all_real() -> Iterator[Frame]:
    """Yield the frames in the folder of real ones, whatever their detector."""
    for batch in FolderFrames([REAL]).batches() if REAL.is_dir() else ():
        yield from batch.frames
