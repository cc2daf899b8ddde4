"""Everything that a model learns from, as one table: frames of all sources, featurized once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.frames import Rejected
from camsortxs.offline import augment
from camsortxs.offline.cache import FeatureCache, specs_of
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.featurize import Done, Featurization, Row, lost
from camsortxs.offline.pieces import LabelledSource, Piece, key_of
from camsortxs.offline.spread import spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The table, what could not be read, and where it all came from, in words for a model card.

    `known` counts the frames that nothing had to be computed of.
    """

    dataset: Dataset
    failed: tuple[Rejected, ...]
    words: str
    known: int


def gather(
    sources: Sequence[LabelledSource],
    chain: Chain,
    *,
    cache: FeatureCache | None = None,
    processes: int = 1,
    scheduler: str | None = None,
    copies: int = 0,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> Gathered:
    """Return the features of all frames of `sources`, in the order of the sources, however many worked on them.

    Each measured frame also comes as `copies` of it that other instruments might have recorded, in the same group.
    What is in `cache` is not computed again. `processes` on this machine, or the Dask cluster at `scheduler`, read and
    featurize; `step` is called for each piece that is done. A frame that cannot be read stops nothing.

    Raises
    ------
    ModelError
        When no frame could be read.
    SourceError
        When a source or the scheduler is out of reach.
    """
    work = Featurization(chain=chain, cache=cache if scheduler is None else None, copies=copies, seed=seed)
    desk = _Desk(work=work, cache=cache, step=step)
    pieces = (piece for source in sources for piece in source.pieces())
    for place, done in spread(work, desk.unknown(pieces), lost=lost, processes=processes, scheduler=scheduler):
        desk.take(place, done)
    rows = [row for _, done in sorted(desk.done.items()) for row in done.rows]
    failed = tuple(refused for _, done in sorted(desk.done.items()) for refused in done.failed)
    if not rows:
        first = f": {failed[0].message}" if failed else ""
        raise ModelError(f"no frame to learn from could be read{first}")
    dataset = _table(rows, chain)
    words = "; ".join([*(source.words for source in sources), *_counted(dataset)])
    return Gathered(dataset=dataset, failed=failed, words=words, known=sum(not row.new for row in rows))


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """Where pieces are handed out and come back; alone in writing to the cache."""

    work: Featurization
    cache: FeatureCache | None
    step: Callable[[], None]
    done: dict[int, Done] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)

    def unknown(self, pieces: Iterable[Piece]) -> Iterator[tuple[int, Piece]]:
        """Yield the pieces, with their places, that somebody has to work on."""
        for place, piece in enumerate(pieces):
            key = self._key(piece)
            known = self._known(key) if key else None
            if known is None:
                if key:
                    self.keys[place] = key
                yield place, piece
            else:
                self.done[place] = known
                self.step()

    def take(self, place: int, done: Done) -> None:
        """Keep what became of a piece; what failed may go well another time, so it is not noted."""
        self.done[place] = done
        if self.cache is not None:
            self.cache.keep({row.digest: {spec: row.parts[spec] for spec in row.new} for row in done.rows})
            if (key := self.keys.pop(place, None)) and not done.failed:
                self.cache.note(key, [[row.digest, row.target, row.group, row.origin] for row in done.rows])
        self.step()

    def _key(self, piece: Piece) -> str | None:
        if self.cache is None or piece.key is None or not self.work.copies:
            return piece.key
        return key_of(piece.key, self.work.copies, self.work.seed, code=[augment])

    def _known(self, key: str) -> Done | None:
        """Return the rows of a piece when all of their features are known."""
        noted = self.cache.frames(key) if self.cache is not None else None
        if self.cache is None or noted is None:
            return None
        specs = specs_of(self.work.chain).values()
        rows = []
        for digest, target, group, origin in noted:
            parts = self.cache.features(digest, specs)
            if len(parts) < len(specs):
                return None
            rows.append(Row(digest=digest, target=tuple(target), group=group, origin=origin, parts=parts))
        return Done(rows=tuple(rows))


def _table(rows: Sequence[Row], chain: Chain) -> Dataset:
    specs = specs_of(chain).values()
    values = np.empty((len(rows), len(chain.names)), dtype=np.float32)
    for numbers, row in zip(values, rows, strict=True):
        numbers[:] = np.concatenate([row.parts[spec] for spec in specs])
    return Dataset(
        names=chain.names,
        values=values,
        targets=np.array([row.target for row in rows], dtype=np.float32),
        groups=np.array([row.group for row in rows], dtype=np.str_),
        origins=np.array([row.origin for row in rows], dtype=np.str_),
    )


def _counted(dataset: Dataset) -> Iterator[str]:
    """Say how many frames of which origin there are, in how many groups."""
    for origin in ("simulated", "measured", "augmented"):
        rows = dataset.origins == origin
        if rows.any():
            soft = int((~dataset.plain[rows]).sum())
            uncertain = f", {soft} of them of no one technique" if soft else ""
            yield f"{int(rows.sum())} {origin} frames in {len(set(dataset.groups[rows]))} groups{uncertain}"
