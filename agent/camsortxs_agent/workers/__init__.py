"""Frames looked at by processes of their own: as many at once as there are cores, and a bad file costs one frame."""

from camsortxs_agent.workers.staff import Staff

__all__ = ["Staff"]
