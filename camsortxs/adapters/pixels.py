"""Pixels that documents point at: HDF5 and series of TIFF, CBF, EDF or npy files read directly, the rest by handlers.

Direct reading is many times faster than a round trip through Tiled; the handlers of `databroker.handlers` entry points
(area-detector-handlers) stand in for the formats of old that only they know.
"""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy.typing as npt
import stamina

from camsortxs.adapters.detector_files import check_event, file_names, read_file, read_hdf5
from camsortxs.adapters.reference import PixelReference, as_images
from camsortxs.errors import FrameError

_HDF5 = ("application/x-hdf5", "HDF5", "AD_HDF5", "AD_HDF5_SWMR")
_SERIES = ("multipart/related", "image/", "application/x-npy", "AD_TIFF", "AD_CBF", "NPY_SEQ")
_LATE = (OSError, EOFError, KeyError, IndexError, ValueError, RuntimeError, struct.error, zlib.error)
"""What readers raise for a file that is not there yet, or only half."""


class FilePixels:
    """Reads the pixels of references from files below the allowed roots.

    `path_map` replaces prefixes of the paths in documents by where this machine has them mounted. A file that is late
    is waited for, `patience` seconds at most, once: after that its further frames are tried without waiting.
    """

    def __init__(
        self, *, roots: Sequence[Path], path_map: Mapping[str, str] | None = None, patience: float = 30.0
    ) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._path_map = sorted((path_map or {}).items(), key=lambda item: -len(item[0]))
        self._patience = patience
        self._given_up: dict[Path, None] = {}

    def read(self, reference: PixelReference) -> npt.NDArray[Any]:
        """Return the images of one event, (frames, height, width).

        Raises
        ------
        FrameError
            With reason `unsupported_form`, `outside_roots`, `missing_file`, `unreadable_file`, `too_large` and those
            of `as_images`.
        """
        path = self.path(reference.uri)
        patience = 0.0 if path in self._given_up else self._patience
        read = self._reader(reference, path)
        try:
            for attempt in stamina.retry_context(
                on=_LATE,
                attempts=None if patience else 1,
                timeout=patience or None,
                wait_initial=0.1,
                wait_max=2.0,
                wait_jitter=0.1,
            ):
                with attempt:
                    images = read()
        except FileNotFoundError as error:
            self._give_up(path)
            raise FrameError("missing_file", f"not there after {patience:g} s: {error.filename}") from error
        except _LATE as error:
            self._give_up(path)
            message = f"{path} after {patience:g} s: {type(error).__name__}: {error}"
            raise FrameError("unreadable_file", message[:500]) from error
        self._given_up.pop(path, None)
        return as_images(images)

    def path(self, uri: str) -> Path:
        """Return where this machine has the file of a URI, links resolved.

        Raises
        ------
        FrameError
            With reason `unsupported_form` or `outside_roots`.
        """
        split = urlsplit(uri)
        if split.scheme not in ("", "file") or split.netloc not in ("", "localhost"):
            raise FrameError("unsupported_form", f"{uri[:200]} is not a file of this machine")
        name = unquote(split.path) if split.scheme else uri
        for prefix, here in self._path_map:
            if name.startswith(prefix):
                name = here + name[len(prefix) :]
                break
        return self._allowed(name)

    def _allowed(self, name: str | Path) -> Path:
        try:
            path = Path(name).resolve()
        except (ValueError, RuntimeError, OSError) as error:  # a null byte, a loop of links, a name too long
            raise FrameError("outside_roots", f"{str(name)[:200]!r} is not a path: {error}") from error
        if not any(path.is_relative_to(root) for root in self._roots):
            raise FrameError("outside_roots", f"{path} is in none of the allowed roots")
        return path

    def _reader(self, reference: PixelReference, path: Path) -> Callable[[], Any]:
        if reference.form in _HDF5 and "template" not in reference.parameters:
            return lambda: read_hdf5(path, reference, self._allowed)
        if reference.form.startswith(_SERIES) or reference.form in _HDF5:
            names = file_names(reference, str(path))
            return lambda: [
                image for name in names for image in read_file(self._allowed(name), reference, self._allowed)
            ]
        return self._handler(reference, path)

    def _handler(self, reference: PixelReference, path: Path) -> Callable[[], Any]:
        """Read with the handler that is installed for an old resource's spec."""
        found = next(iter(entry_points(group="databroker.handlers", name=reference.form)), None)
        if found is None or reference.datum is None:
            raise FrameError("unsupported_form", f"nobody reads {reference.form[:80]!r}")
        handler_class = found.load()
        datum = dict(reference.datum)

        def read() -> Any:
            try:
                handler = handler_class(str(path), **reference.parameters)
                for name in handler.get_file_list([datum]):
                    self._allowed(name)
                images = handler(**datum)
                check_event(getattr(images, "shape", ()))
                return as_images(images)
            except (TypeError, AttributeError, AssertionError) as error:
                message = f"{reference.form}: {type(error).__name__}: {error}"
                raise FrameError("unreadable_file", message[:500]) from error

        return read

    def _give_up(self, path: Path) -> None:
        self._given_up[path] = None
        while len(self._given_up) > 1000:
            del self._given_up[next(iter(self._given_up))]
