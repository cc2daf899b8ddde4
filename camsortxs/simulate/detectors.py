"""The detectors that frames are drawn on: sizes, gaps, and what kind of noise they make."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

LONGEST = 512
"""Frames are drawn binned so that their longer side has about this many pixels, unless a shape is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """`shape` (rows, columns) and `pixel` (m) unbinned; modules (rows, columns) with gaps between them.

    `kind` is `counter` (Poisson, sentinel gaps), `integrator` (offset, read noise, point spread) or `plate` (as that,
    and round). Sizes: the makers' data sheets, and pyFAI's masks, which a test compares.
    """

    name: str
    shape: tuple[int, int]
    pixel: float
    module: tuple[int, int] | None = None
    gap: tuple[int, int] = (0, 0)
    kind: str = "counter"
    round: bool = False

    def gaps(self) -> npt.NDArray[np.bool_]:
        """Return the mask of the gaps between modules, unbinned, True = gap."""
        mask = np.zeros(self.shape, dtype=bool)
        if self.module is not None:
            for axis in (0, 1):
                place = np.arange(self.shape[axis]) % (self.module[axis] + self.gap[axis])
                lines = place >= self.module[axis]
                mask |= lines[:, None] if axis == 0 else lines[None, :]
        return mask

    def binned(self, shape: tuple[int, int] | None) -> tuple[tuple[int, int], float, npt.NDArray[np.bool_]]:
        """Return shape, pixel size (m) and gap mask when drawn on `shape`, or on about `LONGEST` pixels."""
        if shape is None:
            factor = max(1, ceil(max(self.shape) / LONGEST))
            shape = (self.shape[0] // factor, self.shape[1] // factor)
        rows = np.arange(shape[0]) * self.shape[0] // shape[0]
        columns = np.arange(shape[1]) * self.shape[1] // shape[1]
        return shape, self.pixel * max(self.shape) / max(shape), self.gaps()[np.ix_(rows, columns)]


_PILATUS = {"pixel": 172e-6, "module": (195, 487), "gap": (17, 7)}
_EIGER = {"pixel": 75e-6, "module": (514, 1030), "gap": (37, 10)}

DETECTORS: dict[str, Detector] = {
    d.name: d
    for d in (
        Detector(name="Pilatus 100k", shape=(195, 487), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Pilatus 200k-W", shape=(195, 981), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Pilatus 300k", shape=(619, 487), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Pilatus 300k-W", shape=(195, 1475), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Pilatus 900k-W", shape=(619, 1475), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Pilatus 1M", shape=(1043, 981), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Pilatus 2M", shape=(1679, 1475), **_PILATUS),  # type: ignore[arg-type]
        Detector(name="Eiger 500k", shape=(514, 1030), **_EIGER),  # type: ignore[arg-type]
        Detector(name="Eiger 1M", shape=(1065, 1030), **_EIGER),  # type: ignore[arg-type]
        Detector(name="Eiger 4M", shape=(2167, 2070), **_EIGER),  # type: ignore[arg-type]
        Detector(name="CCD 1024", shape=(1024, 1024), pixel=158e-6, kind="integrator"),
        Detector(name="CCD 2048", shape=(2048, 2048), pixel=79e-6, kind="integrator"),
        Detector(name="MarCCD 165", shape=(1024, 1024), pixel=161e-6, kind="integrator", round=True),
        Detector(name="mar345", shape=(2300, 2300), pixel=150e-6, kind="integrator", round=True),
        Detector(name="flat panel", shape=(2048, 2048), pixel=200e-6, kind="integrator"),
    )
}
