"""Gzipped files, with a limit on what they may become."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from camsortxs.errors import FrameError

MAX_UNPACKED = 2 * 1024**3
"""A gzipped file that unpacks to more bytes than this is refused."""
_BLOCK = 1024**2


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack a gzipped file into a temporary one of its inner name; leave others alone.

    Raises
    ------
    FrameError
        `unreadable` when it is damaged, `too_large` when it is a bomb.
    """
    if path.suffix.lower() != ".gz":
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="camsortxs-") as folder:
        plain = Path(folder, path.stem)
        try:
            _unpack(path, plain)
        except (OSError, EOFError, zlib.error) as error:
            raise FrameError("unreadable", f"{path.name} cannot be unpacked: {error}") from error
        yield plain


def _unpack(path: Path, plain: Path) -> None:
    left = MAX_UNPACKED
    with gzip.open(path) as packed, plain.open("wb") as target:
        while block := packed.read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise FrameError("too_large", f"{path.name} unpacks to more than {MAX_UNPACKED} bytes")
            target.write(block)
