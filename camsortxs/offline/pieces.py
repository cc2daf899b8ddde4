"""Where labelled frames come from: the port of every source, and the pieces that the work is cut into."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from camsortxs.frames import Rejected
from camsortxs.offline.dataset import LabelledFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some labelled frames that are not read yet: a drawn frame, a row of a table, a run.

    `read` fetches them where they are worked on, which may be another process or machine: it is pickled. What cannot be
    read is `Rejected`. `key` names all that the frames, targets and groups follow from: equal keys, equal frames. It is
    None where nobody can vouch for that.
    """

    name: str
    read: Callable[[], Iterable[LabelledFrame | Rejected]]
    key: str | None = None


class LabelledSource(Protocol):
    """A folder with its labels, a simulator, an archive of runs."""

    @property
    def words(self) -> str:
        """What it is, for a model card."""
        ...

    def count(self) -> int:
        """Say how many pieces there are, at most.

        Raises
        ------
        SourceError
            When the source is out of reach.
        """
        ...

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces, always in the same order.

        Raises
        ------
        SourceError
            When the source is out of reach.
        """
        ...


def key_of(*what: object, code: Iterable[ModuleType]) -> str:
    """Return the key of a piece: the sha256 of what it follows from, spelled, and of the code that makes it.

    >>> from camsortxs import masks
    >>> key_of("GISAXS", 1, code=[masks]) == key_of("GISAXS", 2, code=[masks])
    False
    """
    state = hashlib.sha256(np.__version__.encode())
    for module in code:
        state.update(_code(Path(str(module.__file__))))
    for part in what:
        state.update(f"\0{part!r}".encode())
    return state.hexdigest()


@cache
def _code(path: Path) -> bytes:
    """Return the sha256 of a module, or of all that are in a package and below it."""
    state = hashlib.sha256()
    for file in sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]:
        state.update(file.read_bytes())
    return state.digest()
