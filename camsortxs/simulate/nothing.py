"""Frames that show no technique: dark, shutter closed, direct beam, flat field, empty holder."""

import numpy as np

from camsortxs.simulate.chance import log_uniform
from camsortxs.simulate.geometry import Setup
from camsortxs.simulate.pattern import Pattern

KINDS = ("dark", "shutter_closed", "direct_beam", "flat_field", "empty_holder")


def pattern(rng: np.random.Generator, setup: Setup, kind: str) -> Pattern:
    """Draw the light that reaches the detector; the first two have none but cosmic hits."""
    rows, columns = np.mgrid[: setup.shape[0], : setup.shape[1]]
    radius = np.hypot(rows - setup.centre[0], columns - setup.centre[1])
    if kind in ("dark", "shutter_closed"):
        hits = rng.random(setup.shape) < log_uniform(rng, 1e-4, 5e-3)
        return Pattern(intensity=hits * rng.exponential(1.0, setup.shape), flags=("no_signal",))
    if kind == "direct_beam":
        spot = np.exp(-((radius / rng.uniform(1.5, 6.0)) ** 2))
        return Pattern(intensity=spot + 1e-9, flags=("no_signal", "direct_beam"))
    if kind == "flat_field":
        return Pattern(intensity=np.ones(setup.shape), flags=("flat",))
    halo = 1 / (1 + (radius / rng.uniform(2, 10)) ** rng.uniform(2.4, 4.2))
    return Pattern(intensity=halo + log_uniform(rng, 1e-5, 1e-3), flags=("air",))


def counts(rng: np.random.Generator, kind: str) -> float:
    """Draw the counts that the brightest per cent of the pixels gets."""
    return {
        "dark": 0.02,
        "shutter_closed": 0.02,
        "direct_beam": log_uniform(rng, 1e-6, 1e-3),
        "flat_field": log_uniform(rng, 20, 5000),
        "empty_holder": log_uniform(rng, 2, 200),
    }[kind]
