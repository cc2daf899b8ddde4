"""The frames that a table of labels names, for the commands that measure on them."""

from collections.abc import Iterator

from camsortxs.frames import Frame
from camsortxs.offline.labels import Label


def frames_of(label: Label, errors: list[dict[str, str]]) -> Iterator[Frame]:
    """Yield the frames of one row; what cannot be read is added to `errors`, and stops nothing."""
    from camsortxs.adapters.folder import FolderFrames

    for batch in FolderFrames(paths=[label.reference], batch=1).batches():
        errors += [{"path": str(label.path), "error": f"{r.reason}: {r.message}"} for r in batch.rejected]
        yield from batch.frames
