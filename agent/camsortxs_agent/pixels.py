"""The reader of detector files that the settings mean."""

from camsortxs.adapters.pixels import FilePixels
from camsortxs_agent.settings import PixelSettings


def reader(settings: PixelSettings, *, patience: float | None = None) -> FilePixels:
    """Return it; with `patience` (s) where late files are to be waited for as long as that, not as the settings say."""
    return FilePixels(
        roots=settings.roots,
        path_map=settings.path_map,
        patience=settings.late_file_seconds if patience is None else patience,
    )
