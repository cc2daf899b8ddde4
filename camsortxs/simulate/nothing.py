"""Frames that show no technique: dark, shutter closed, direct beam, flat field, empty holder."""

import numpy as np

from camsortxs.simulate.chance import log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Pattern

KINDS = ("dark", "shutter_closed", "direct_beam", "flat_field", "empty_holder")


def pattern(rng: np.random.Generator, setup: Setup, kind: str) -> Pattern:
    """Draw the light that reaches the detector, in counts a pixel: how bright it is belongs to what it is."""
    rows, columns = np.mgrid[: setup.shape[0], : setup.shape[1]]
    radius = np.hypot(rows - setup.centre[0], columns - setup.centre[1])
    if kind in ("dark", "shutter_closed"):
        # Cosmic hits of one to three counts in 0.1-0.6 % of the pixels, and nothing else.
        hits = rng.random(setup.shape) < log_uniform(rng, 1e-3, 6e-3)
        return Pattern(intensity=hits * rng.exponential(1.5, setup.shape), flags=("no_signal",))
    if kind == "direct_beam":
        spot = log_uniform(rng, 1e2, 1e6) * np.exp(-((radius / rng.uniform(1.5, 6.0)) ** 2))
        return Pattern(intensity=spot + log_uniform(rng, 1e-4, 5e-3), flags=("no_signal", "direct_beam"))
    if kind == "flat_field":
        return Pattern(intensity=np.full(setup.shape, log_uniform(rng, 20, 5000)), flags=("flat",))
    halo = log_uniform(rng, 2, 2e4) / (1 + (radius / rng.uniform(2, 10)) ** rng.uniform(2.4, 4.2))
    return Pattern(intensity=halo + log_uniform(rng, 1e-3, 0.3), flags=("air",))
