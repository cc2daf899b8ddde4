"""Physics-based frames: the embedded data source of training, tests, demo and load generation."""

from camsortxs.simulate.draw import KINDS, Drawn, draw, draw_many

__all__ = ["KINDS", "Drawn", "draw", "draw_many"]
