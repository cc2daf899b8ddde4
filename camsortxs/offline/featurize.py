"""What a worker does with a piece: read its frames, and compute of each what is not known yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache as once_a_process

import cv2
from threadpoolctl import ThreadpoolController

from camsortxs.errors import CamsortxsError, FrameError
from camsortxs.features.catalogue import CATALOGUE
from camsortxs.features.chain import Chain
from camsortxs.frames import Rejected
from camsortxs.offline.augment import augmented
from camsortxs.offline.cache import FeatureCache, Single, digest_of, specs_of
from camsortxs.offline.dataset import LabelledFrame, Origin, Target
from camsortxs.offline.pieces import Piece

FAILURES = (CamsortxsError, OSError, ValueError, ArithmeticError, LookupError, MemoryError, cv2.error)
"""What a frame may do to those who look at it. Anything else is a mistake of ours, and stops the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A frame by its digest, what should be said of it, and its features: spec to numbers (columns,).

    `new` are the specs that were computed, not known.
    """

    digest: str
    target: Target
    group: str
    origin: Origin
    parts: dict[str, Single]
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a piece."""

    rows: tuple[Row, ...] = ()
    failed: tuple[Rejected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Featurization:
    """Turns a piece into rows, with `copies` more of each measured frame, as other instruments would have recorded it.

    `cache` is where to look before computing; None where it is out of reach. The seeds of copies follow from the frame,
    so that they are the same in any order. Goes to other processes: it is pickled.
    """

    chain: Chain
    cache: FeatureCache | None = None
    copies: int = 0
    seed: int = 0
    _chains: dict[tuple[str, ...], Chain] = field(default_factory=dict, repr=False)

    def __call__(self, piece: Piece) -> Done:
        """Read a piece and featurize it; a frame that fails is told, and stops nothing."""
        rows: list[Row] = []
        failed: list[Rejected] = []
        try:
            with one_thread():
                for found in piece.read():
                    if isinstance(found, Rejected):
                        failed.append(found)
                        continue
                    for place in range(self._times(found)):
                        try:
                            rows.append(self._row(found, place))
                        except FAILURES as error:
                            failed.append(refusal(piece.name, error))
        except FAILURES as error:
            failed.append(refusal(piece.name, error))
        return Done(rows=tuple(rows), failed=tuple(failed))

    def _times(self, found: LabelledFrame) -> int:
        return 1 + (self.copies if found.origin == "measured" else 0)

    def _row(self, found: LabelledFrame, place: int) -> Row:
        digest = digest_of(found.frame)
        if place:
            seed = int(digest[:12], 16) + 1_000_003 * self.seed + place
            found = replace(found, frame=augmented(found.frame, seed=seed), origin="augmented")
            digest = digest_of(found.frame)
        specs = specs_of(self.chain)
        parts = self.cache.features(digest, specs.values()) if self.cache else {}
        missing = tuple(name for name, spec in specs.items() if spec not in parts)
        if missing:
            values = self._chain(missing).featurize([found.frame]).values[0]
            for name in missing:
                width = len(CATALOGUE[name].columns)
                parts[specs[name]], values = values[:width].copy(), values[width:]
        return Row(
            digest=digest,
            target=found.target,
            group=found.group,
            origin=found.origin,
            parts=parts,
            new=tuple(specs[name] for name in missing),
        )

    def _chain(self, names: tuple[str, ...]) -> Chain:
        """Return the chain of some representations: all of one call share their work."""
        if names not in self._chains:
            self._chains[names] = Chain(names, self.chain.embeddings)
        return self._chains[names]


def lost(piece: Piece, error: BaseException) -> Done:
    """Say that a piece killed the processes that worked on it."""
    return Done(failed=(refusal(piece.name, error),))


def refusal(name: str, error: BaseException) -> Rejected:
    """Say what went wrong with the frames of this name."""
    reason = error.reason if isinstance(error, FrameError) else type(error).__name__
    return Rejected(reason=reason, message=str(error) or "no message", origin={"path": name})


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS and OpenCV to one thread: each process has one core, and sums are added in the same order anywhere."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with _libraries().limit(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)


@once_a_process
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
