"""Files packed by gzip or bzip2, with a limit on what they may become."""

import bz2
import gzip
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from camsortxs.errors import FrameError

MAX_UNPACKED = 2 * 1024**3
"""A packed file that unpacks to more bytes than this is refused."""
_OPENERS: Mapping[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open}
PACKED_SUFFIXES = frozenset(_OPENERS)
_BLOCK = 1024**2


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack a packed file into a temporary one of its inner name; leave others alone.

    Raises
    ------
    FrameError
        `unreadable` when it is damaged, `too_large` when it is a bomb, or packed more than once.
    """
    if path.suffix.lower() not in _OPENERS:
        yield path
        return
    if Path(path.stem).suffix.lower() in _OPENERS:  # whose second layer fabio would unpack without a limit
        raise FrameError("too_large", f"{path.name} is packed more than once")
    with tempfile.TemporaryDirectory(prefix="camsortxs-") as folder:
        plain = Path(folder, path.stem)
        try:
            _unpack(path, plain)
        except (OSError, EOFError, zlib.error) as error:
            raise FrameError("unreadable", f"{path.name} cannot be unpacked: {error}") from error
        yield plain


def _unpack(path: Path, plain: Path) -> None:
    left = MAX_UNPACKED
    with _OPENERS[path.suffix.lower()](path) as packed, plain.open("wb") as target:
        while block := packed.read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise FrameError("too_large", f"{path.name} unpacks to more than {MAX_UNPACKED} bytes")
            target.write(block)
