"""What workers are made with."""

from pathlib import Path

from pydantic import BaseModel

from camsortxs_agent.settings import LogSettings, PixelSettings


class WorkerSettings(BaseModel):
    """The `bundle` whose features they compute, and their `digest`; where they may read files, and how they log."""

    bundle: Path
    digest: str
    pixels: PixelSettings
    log: LogSettings
