"""Frames that show no technique: dark, shutter closed, direct beam, flat field, empty holder."""

import numpy as np

from camsortxs.simulate.chance import Chance
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Bare

KINDS = ("dark", "shutter_closed", "direct_beam", "flat_field", "empty_holder")


def pattern(chance: Chance, setup: Setup, kind: str) -> Bare:
    """Draw the light that reaches the detector, in counts a pixel: how bright it is belongs to what it is."""
    if kind in ("dark", "shutter_closed"):
        # Cosmic hits of one to three counts in 0.1-0.6 % of the pixels, and nothing else.
        hits = chance.rng.random(setup.shape) < chance.log_uniform("hits", 1e-3, 6e-3)
        return Bare(counts=hits * chance.rng.exponential(1.5, setup.shape), flags=("no_signal",))
    if kind == "flat_field":
        return Bare(counts=np.full(setup.shape, chance.log_uniform("level", 20, 5000)), flags=("flat",))
    rows, columns = (np.arange(side) - middle for side, middle in zip(setup.shape, setup.beam, strict=True))
    radius = np.hypot(rows[:, None], columns[None, :])
    if kind == "direct_beam":
        spot = chance.log_uniform("counts", 1e2, 1e6) * np.exp(-((radius / chance.uniform("width", 1.5, 6.0)) ** 2))
        return Bare(counts=spot + chance.log_uniform("background", 1e-4, 5e-3), flags=("no_signal", "direct_beam"))
    slope, core = chance.uniform("slope", 2.4, 4.2), chance.uniform("core", 2, 10)
    halo = chance.log_uniform("counts", 2, 2e4) / (1 + (radius / core) ** slope)
    return Bare(counts=halo + chance.log_uniform("background", 1e-3, 0.3), flags=("air",))
