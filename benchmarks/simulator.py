"""What a simulated frame costs, over a mixed draw of the four techniques, and whether many cost more than few."""

from itertools import cycle, islice
from typing import Any

import numpy as np
from measure import row, timed
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

from camsortxs.simulate import draw, draw_many
from camsortxs.techniques import TECHNIQUES

KINDS = tuple(map(str, TECHNIQUES))


def rows() -> list[dict[str, Any]]:
    """Measure at the two sizes, then the growth."""
    return [_mixed((512, 512), 60), _mixed((1475, 1679), 32), _growth()]


def _mixed(shape: tuple[int, int], frames: int) -> dict[str, Any]:
    """Draw the four in turn, each beside the least that a frame of rings takes with libraries alone."""
    plain, mine, theirs = _Plain(shape), [], []
    for kind in KINDS:
        draw(kind, seed=0, shape=(64, 64))  # compiles
    for index, kind in enumerate(islice(cycle(KINDS), frames)):
        mine.append(timed(lambda: draw(kind, seed=1, index=index, shape=shape)))  # noqa: B023 - called at once
        theirs.append(timed(plain.draw))
    name = f"draw a frame of {shape[0]} x {shape[1]}, all four techniques in turn"
    peer = "pyFAI q of each pixel, np.interp of one curve, Generator.poisson: rings without instrument"
    return row(name, mine, peer, theirs, {"frames_per_second_and_core": round(1000 / float(np.median(mine)), 1)})


def _growth() -> dict[str, Any]:
    """Draw few and many frames in turn: milliseconds a frame, so that the ratio is 1 when the time grows linearly."""

    def each(count: int) -> float:
        return timed(lambda: list(draw_many(KINDS, count=count, seed=2, shape=(256, 256)))) / count

    times = [(each(200), each(50)) for _ in range(5)]
    return row("a frame among 200", [a for a, _ in times], "a frame among 50", [b for _, b in times])


class _Plain:
    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape, self.rng = shape, np.random.default_rng(1)
        self.grid = np.linspace(0, 1, 1500)
        self.curve = 100 / (1 + (self.grid / 0.02) ** 2) + 1

    def draw(self) -> Any:
        """Start from nothing, as a frame with a set-up of its own must."""
        detector = Detector(172e-6, 172e-6, max_shape=self.shape)
        integrator = AzimuthalIntegrator(dist=2.0, poni1=0.1, poni2=0.1, detector=detector, wavelength=1e-10)
        q = integrator.array_from_unit(unit="q_A^-1")
        return self.rng.poisson(np.interp(q, self.grid, self.curve))
