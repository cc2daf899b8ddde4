"""What workers are made with."""

from pydantic import BaseModel

from camsortxs_agent.settings import LogSettings, PixelSettings


class WorkerSettings(BaseModel):
    """The representations that they compute, where they may read files, and how they log."""

    representations: tuple[str, ...]
    pixels: PixelSettings
    log: LogSettings
