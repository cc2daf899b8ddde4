"""The draw: one frame, or many, each reproducible alone."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.frames import Frame, FrameKey, Geometry
from camsortxs.masks import bad_pixels
from camsortxs.simulate import gisaxs, giwaxs, nothing, saxs, waxs
from camsortxs.simulate.chance import Chance, Value
from camsortxs.simulate.detectors import DETECTORS, Detector
from camsortxs.simulate.exposure import expose
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.labels import label
from camsortxs.simulate.optics import HABITS, stand_between
from camsortxs.simulate.pattern import Pattern
from camsortxs.simulate.setups import draw_setup
from camsortxs.techniques import TECHNIQUES, Technique

KINDS: tuple[str, ...] = (*map(str, TECHNIQUES), *nothing.KINDS)

_PATTERNS: dict[str, Callable[[Chance, Setup], Pattern]] = {
    "SAXS": saxs.pattern,
    "WAXS": waxs.pattern,
    "GISAXS": gisaxs.pattern,
    "GIWAXS": giwaxs.pattern,
    **{kind: partial(nothing.pattern, kind=kind) for kind in nothing.KINDS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A simulated frame and the whole truth about it.

    `image` (int32, uint16 or float32) and `mask` (height, width), True = bad; `technique` is None for frames that show
    none; `q90` in 1/angstrom; `parameters` is all that was drawn, by name; `seed` and `index` draw it again.
    """

    image: npt.NDArray[Any]
    mask: npt.NDArray[np.bool_]
    technique: Technique | None
    kind: str
    geometry: Geometry
    q90: float
    detector: str
    seed: int
    index: int
    flags: tuple[str, ...] = ()
    parameters: dict[str, Value] = field(default_factory=dict)

    def frame(
        self, *, run: str | None = None, stream: str = "primary", data_key: str = "image", with_geometry: bool = False
    ) -> Frame:
        """Return it as the line takes it: the mask is the one that can be found, not the true one.

        The geometry comes only when asked for, because real metadata has gaps.
        """
        return Frame(
            key=FrameKey(run=run or f"{self.kind}-{self.seed}-{self.index}", stream=stream, data_key=data_key, index=0),
            image=self.image,
            mask=bad_pixels(self.image),
            geometry=self.geometry if with_geometry else None,
            detector=self.detector,
        )


def draw(kind: str, *, seed: int, index: int = 0, shape: tuple[int, int] | None = None) -> Drawn:
    """Draw frame `index` of a kind (see `KINDS`), bit by bit the same for the same arguments.

    Without a `shape` a detector is chosen and drawn binned, its longer side about 512 pixels.

    >>> drawn = draw("GISAXS", seed=1, shape=(120, 100))
    >>> drawn.image.shape, str(drawn.technique)
    ((120, 100), 'GISAXS')
    """
    chance = Chance(seed, kind, index)
    technique = Technique(kind) if kind in map(str, TECHNIQUES) else None
    detector = _detector(chance, technique, shape)
    size, pixel = detector.binned(shape)
    like = technique or Technique(chance.choose("set_up_for", dict.fromkeys(map(str, TECHNIQUES), 1.0)))
    setup = draw_setup(chance, like, size, pixel)
    pattern = _PATTERNS[kind](chance.of(kind), setup)
    light = pattern.light(setup, polarised=float(chance.choose("polarised", {0.98: 0.75, 0.5: 0.25})))
    counts = None
    if technique is not None:
        stand_between(light, setup, HABITS[kind], chance)
        # Counts a pixel of the real detector; a drawn one may stand for several.
        counts = chance.log_uniform("counts", 4, 4e4) * (pixel / detector.pixel) ** 2
    image, mask = expose(light, detector, chance, counts=counts)
    named = label(technique, setup, mask, pattern.flags)
    return Drawn(
        image=image,
        mask=mask,
        technique=named.technique,
        kind=kind,
        geometry=setup.geometry,
        q90=named.q90,
        detector=detector.name,
        seed=seed,
        index=index,
        flags=named.flags,
        parameters=chance.drawn
        | {"distance": setup.distance, "foot": setup.foot, "arm": setup.arm, "roll": setup.roll},
    )


def draw_many(
    kinds: Sequence[str],
    *,
    count: int,
    seed: int,
    shape: tuple[int, int] | None = None,
    processes: int = 1,
    through: Callable[[Drawn], Any] | None = None,
) -> Iterator[Any]:
    """Draw `count` frames, the kinds in turn, in order, in as many processes as told.

    Yields `Drawn`, or what `through` makes of each in the process that drew it.
    """
    one = partial(_draw_at, tuple(map(str, kinds)), seed, shape, through)
    if processes == 1:
        yield from map(one, range(count))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, range(count), chunksize=8)


def _draw_at(
    kinds: tuple[str, ...],
    seed: int,
    shape: tuple[int, int] | None,
    through: Callable[[Drawn], Any] | None,
    place: int,
) -> Any:
    drawn = draw(kinds[place % len(kinds)], seed=seed, index=place // len(kinds), shape=shape)
    return through(drawn) if through else drawn


_STRIPS = ("Pilatus 100k", "Pilatus 200k-W", "Pilatus 300k-W")


def _detector(chance: Chance, technique: Technique | None, shape: tuple[int, int] | None) -> Detector:
    """Choose a detector: wide-angle set-ups have strips, small-angle ones round CCDs, grazing ones large counters."""
    weights = dict.fromkeys(DETECTORS, 1.0) | {"Pilatus 1M": 3.0, "Pilatus 300k": 2.0, "Pilatus 2M": 2.0}
    for name in _STRIPS:
        weights[name] = {Technique.WAXS: 1.6, Technique.SAXS: 0.5}.get(technique, 0.25) if technique else 0.5
    if technique is not None and technique.grazing:
        weights |= {"MarCCD 165": 0.3, "mar345": 0.2}
    if shape is not None:  # the asked shape says which detectors it may be
        alike = {n: w for n, w in weights.items() if shape in (DETECTORS[n].shape, DETECTORS[n].shape[::-1])}
        weights = alike or {n: w for n, w in weights.items() if not DETECTORS[n].round}
    detector = DETECTORS[chance.choose("detector", weights)]
    on_its_side = chance.happens("on_its_side", 0.1) if shape is None else shape == detector.shape[::-1]
    return detector.turned() if on_its_side else detector
