"""Features that were computed once are kept: by the sha256 of the frame and the spec of the representation."""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.features.chain import Chain
from camsortxs.frames import Frame

FORMAT = 1
Single = npt.NDArray[np.float32]
_WAIT = 60.0
"""Seconds to wait while another process writes."""
_TABLES = """
CREATE TABLE IF NOT EXISTS features (
    frame TEXT, spec TEXT, numbers BLOB, crc INTEGER, PRIMARY KEY (frame, spec)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pieces (piece TEXT PRIMARY KEY, frames TEXT) WITHOUT ROWID;
"""


def digest_of(frame: Frame) -> str:
    """Return the sha256 of all that features follow from: the pixels, their shape and type, and which are bad.

    >>> from camsortxs.frames import FrameKey
    >>> key = FrameKey(run="r", stream="s", data_key="d", index=0)
    >>> frame = Frame(key=key, image=np.ones((4, 5)), mask=np.zeros((4, 5), bool))
    >>> len(digest_of(frame))
    64
    """
    state = hashlib.sha256(f"{frame.image.dtype.str} {frame.image.shape}".encode())
    state.update(np.ascontiguousarray(frame.image).data)
    state.update(np.packbits(frame.mask).data)
    return state.hexdigest()


def specs_of(chain: Chain) -> dict[str, str]:
    """Return what defines the numbers of each representation of a chain: name to sha256 of its spec."""
    spec = chain.spec
    return {
        entry[0]: hashlib.sha256(json.dumps([spec["standard"], *entry]).encode()).hexdigest()
        for entry in spec["representations"]
    }


class FeatureCache:
    """One SQLite file of features, which several processes may use at once; pickled, it is a reader of that file.

    A file that is damaged is set aside, `told` says so, and a new one is begun; where nothing can be written the work
    goes on without. No number is believed whose checksum is wrong.
    """

    def __init__(self, path: Path, *, told: Callable[[str], None] = lambda message: None, reader: bool = False) -> None:
        self.path = path
        self._told = told
        self._reader = reader
        self._off = False
        self._open: sqlite3.Connection | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _reader_of, (self.path,)

    def __enter__(self) -> "FeatureCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next use opens it."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def features(self, frame: str, specs: Iterable[str]) -> dict[str, Single]:
        """Return what is known of the frame with this digest: spec to numbers (columns,)."""
        wanted = list(specs)
        marks = ", ".join("?" * len(wanted))
        rows = self._ask(
            lambda file: file.execute(
                f"SELECT spec, numbers, crc FROM features WHERE frame = ? AND spec IN ({marks})",  # noqa: S608 - marks
                [frame, *wanted],
            ).fetchall()
        )
        return {
            spec: np.frombuffer(numbers, dtype="<f4").astype(np.float32)
            for spec, numbers, crc in rows or ()
            if isinstance(numbers, bytes) and zlib.crc32(numbers) == crc
        }

    def keep(self, found: Mapping[str, Mapping[str, Single]]) -> None:
        """Keep features: digest of the frame to spec to numbers (columns,)."""
        rows = []
        for frame, parts in found.items():
            for spec, values in parts.items():
                numbers = values.astype("<f4").tobytes()
                rows.append((frame, spec, numbers, zlib.crc32(numbers)))
        self._ask(lambda file: file.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)", rows))

    def frames(self, piece: str) -> list[Any] | None:
        """Return what was noted of a piece, or None."""
        rows = self._ask(lambda file: file.execute("SELECT frames FROM pieces WHERE piece = ?", [piece]).fetchall())
        try:
            known = json.loads(rows[0][0]) if rows else None
        except (ValueError, TypeError):
            return None
        return known if isinstance(known, list) else None

    def note(self, piece: str, frames: Sequence[Any]) -> None:
        """Note which frames a piece has, as JSON."""
        self._ask(lambda file: file.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?)", [piece, json.dumps(frames)]))

    def _ask(self, question: Callable[[sqlite3.Connection], Any]) -> Any:
        """Ask the file; None when it cannot answer."""
        for _ in range(2):
            if self._off:
                return None
            try:
                if self._open is None:
                    self._open = _connect(self.path, self._reader)
                with self._open:
                    return question(self._open)
            except (sqlite3.OperationalError, OSError) as error:
                self._give_up(f"goes on without the cache of features {self.path}: {error}")
            except sqlite3.DatabaseError as error:
                if self._reader:
                    self._give_up(str(error))
                else:
                    self._set_aside(error)
        return None

    def _give_up(self, message: str) -> None:
        self.close()
        self._off = True
        self._told(message)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        try:
            if _is_sound(self.path):  # another process has set it aside and begun a new one
                return
            aside = self.path.with_name(f"{self.path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
            self.path.replace(aside)
            for ending in ("-wal", "-shm"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        except OSError as refused:
            self._give_up(f"goes on without the damaged cache of features {self.path}: {refused}")
            return
        self._told(f"the cache of features was damaged ({error}): it is now {aside}, and a new one is begun")


def _reader_of(path: Path) -> FeatureCache:
    return FeatureCache(path, reader=True)


def _connect(path: Path, reader: bool) -> sqlite3.Connection:
    """Open the file, making it where it is not there.

    Raises
    ------
    sqlite3.DatabaseError
        When it is none of ours.
    """
    if not reader:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A worker's thread opens it, and only that thread uses it; it may be closed by another.
    file = sqlite3.connect(path, timeout=_WAIT, check_same_thread=False)
    try:
        (version,) = file.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError(f"format {version}, this version writes {FORMAT}")
        if not reader:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.executescript(_TABLES)
            file.execute(f"PRAGMA user_version = {FORMAT}")
    except BaseException:
        file.close()
        raise
    return file


def _is_sound(path: Path) -> bool:
    try:
        with closing(_connect(path, reader=False)) as file:
            return bool(file.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
