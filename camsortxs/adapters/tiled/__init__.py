"""Tiled and databroker: where records and indexes are written, and where archived runs come from."""

from camsortxs.adapters.tiled.connection import Catalogue, open_catalogue
from camsortxs.adapters.tiled.labelled import LabelledRun, LabelledRuns, frames_of_run
from camsortxs.adapters.tiled.live import LiveTiledRuns
from camsortxs.adapters.tiled.runs import TiledRuns
from camsortxs.adapters.tiled.sink import TiledSink
from camsortxs.adapters.tiled.untagged import Bookmark

__all__ = [
    "Bookmark",
    "Catalogue",
    "LabelledRun",
    "LabelledRuns",
    "LiveTiledRuns",
    "TiledRuns",
    "TiledSink",
    "frames_of_run",
    "open_catalogue",
]
