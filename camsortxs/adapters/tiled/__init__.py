"""Tiled and databroker: where records and indexes are written, and where archived runs come from."""

from camsortxs.adapters.tiled.connection import Catalogue, open_catalogue
from camsortxs.adapters.tiled.runs import TiledRuns
from camsortxs.adapters.tiled.sink import TiledSink

__all__ = ["Catalogue", "TiledRuns", "TiledSink", "open_catalogue"]
