"""Sources of labelled frames that can travel to other processes."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from camsortxs.errors import FrameError
from camsortxs.frames import Frame, FrameKey, Rejected
from camsortxs.offline.dataset import LabelledFrame, target_of
from camsortxs.offline.pieces import Piece
from camsortxs.techniques import TECHNIQUES


def frame(index: int) -> Frame:
    rng = np.random.default_rng(index)
    rows, columns = np.mgrid[:210, :200]
    image = rng.poisson(300.0 / (1 + np.hypot(rows - 90, columns - 110 - index) / 9) ** 2 + 0.5).astype(np.int32)
    key = FrameKey(run=f"run {index}", stream="primary", data_key="image", index=0)
    return Frame(key=key, image=image, mask=np.zeros(image.shape, dtype=bool))


def read(index: int, origin: str) -> Iterator[LabelledFrame]:
    target = target_of(TECHNIQUES[index % 4])
    yield LabelledFrame(frame=frame(index), target=target, group=f"group {index % 3}", origin=origin)


def broken(how: str) -> Iterator[LabelledFrame | Rejected]:
    if how == "rejects":
        yield Rejected(reason="unreadable", message="cut short", origin={"path": "somewhere"})
    yield from read(9, "measured")
    raise FrameError("empty", "there was no more")


class Pieces:
    """`number` frames, and what else is given."""

    words = "frames of a test"

    def __init__(self, number: int = 6, *more: Piece, origin: str = "measured", keys: bool = False) -> None:
        self.all = [
            Piece(name=f"frame {i}", read=partial(read, i, origin), key=f"key {i} {origin}" if keys else None)
            for i in range(number)
        ]
        self.all[2:2] = more

    def count(self) -> int:
        return len(self.all)

    def pieces(self) -> Iterator[Piece]:
        yield from self.all
