"""`camsortxs-agent replay`: what was refused, or never arrived, is read once more."""

from camsortxs_agent.replay.command import replay

__all__ = ["replay"]
