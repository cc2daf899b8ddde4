"""The detectors that frames are drawn on: sizes, gaps, and what kind of noise they make."""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

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

    def turned(self) -> "Detector":
        """Return it mounted on its side."""
        module = self.module and (self.module[1], self.module[0])
        return replace(self, shape=self.shape[::-1], module=module, gap=self.gap[::-1])

    def modules(self, shape: tuple[int, ...] | None = None) -> tuple[Places, Places]:
        """Return the module that each row and each column lies in, counted from 0; -1 in a gap."""
        rows, columns = (self._modules(axis, (shape or self.shape)[axis]) for axis in (0, 1))
        return rows, columns

    def gaps(self, shape: tuple[int, ...] | None = None) -> npt.NDArray[np.bool_]:
        """Return the mask of the gaps between modules, True = gap, unbinned or as seen on `shape` pixels."""
        rows, columns = self.modules(shape)
        return np.asarray((rows < 0)[:, None] | (columns < 0)[None, :])

    def binned(self, shape: tuple[int, int] | None) -> tuple[tuple[int, int], float]:
        """Return shape and pixel size (m) when drawn on `shape`, or on about `LONGEST` pixels."""
        if shape is None:
            factor = max(1, ceil(max(self.shape) / LONGEST))
            shape = (self.shape[0] // factor, self.shape[1] // factor)
        return shape, self.pixel * max(self.shape) / max(shape)

    def _modules(self, axis: int, pixels: int) -> Places:
        place = np.arange(pixels) * self.shape[axis] // pixels
        if self.module is None:
            return np.zeros(pixels, dtype=np.int64)
        pitch = self.module[axis] + self.gap[axis]
        return np.where(place % pitch < self.module[axis], place // pitch, -1)


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
