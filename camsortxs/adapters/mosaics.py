"""Which part of a source a selection of a virtual HDF5 dataset is made of.

Both sides of each mapping are regular hyperslabs: on each axis, `blocks` blocks of `length` places, `stride` apart. The
places of either side correspond in their order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import h5py

from camsortxs.adapters.parts import Selection
from camsortxs.errors import FrameError


class _Axis(NamedTuple):
    start: int
    stride: int
    blocks: int
    length: int

    @property
    def size(self) -> int:
        """Return how many places there are: as good as infinitely many in what grows."""
        return min(self.blocks * self.length, int(h5py.h5s.UNLIMITED))

    def before(self, place: int) -> int:
        """Count the places before this one.

        >>> [_Axis(start=1, stride=4, blocks=2, length=2).before(place) for place in range(9)]
        [0, 0, 1, 2, 2, 2, 3, 4, 4]
        """
        blocks, more = divmod(max(place - self.start, 0), self.stride)
        return min(blocks * self.length + min(more, self.length), self.size)

    def place(self, number: int) -> int:
        """Return where the place of this number is.

        >>> [_Axis(start=1, stride=4, blocks=2, length=2).place(number) for number in range(4)]
        [1, 2, 5, 6]
        """
        blocks, more = divmod(number, self.length)
        return self.start + blocks * self.stride + more


Used = tuple[range, int]
"""The numbers of the places that are used on an axis, and of how many."""


def used(space: h5py.h5s.SpaceID, shape: tuple[int, ...], selection: Selection) -> list[Used] | None:
    """Return which of the places that a source fills are selected, by axis; None when none is.

    Raises
    ------
    FrameError
        With reason `unsupported_form`, as `behind`.
    """
    axes = _axes(space, shape)
    found = [
        (range(axis.before(part.start), axis.before(part.stop)), axis.size)
        for axis, part in zip(axes, selection, strict=True)
    ]
    return found if all(numbers for numbers, _ in found) else None


def behind(places: Sequence[Used], space: h5py.h5s.SpaceID, shape: tuple[int, ...]) -> Selection:
    """Return the part of a source, of which `space` is mapped, that is in these places.

    Raises
    ------
    FrameError
        With reason `unsupported_form`, when it is not made of regular blocks.
    IndexError
        When the source does not have the shape of its place, yet.
    """
    # Axes of length one may be left out on either side: the others must be the same.
    axes = _axes(space, shape)
    long = iter([numbers for numbers, size in places if size != 1])
    if [size for _, size in places if size != 1] != [axis.size for axis in axes if axis.size != 1]:
        raise IndexError(f"a source of shape {shape} has not that of its place in a virtual dataset")
    parts = [next(long) if axis.size != 1 else range(1) for axis in axes]
    return tuple(
        slice(axis.place(numbers.start), axis.place(numbers.stop - 1) + 1)
        for axis, numbers in zip(axes, parts, strict=True)
    )


def _axes(space: h5py.h5s.SpaceID, shape: tuple[int, ...]) -> list[_Axis]:
    kind = space.get_select_type()
    if kind == h5py.h5s.SEL_ALL:
        return [_Axis(0, size or 1, 1, size) for size in shape]
    if kind != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        raise FrameError("unsupported_form", "a virtual dataset is made of more than regular blocks")
    # The stride of a single block says nothing.
    return [
        _Axis(start, max(stride, length), blocks, length)
        for start, stride, blocks, length in zip(*space.get_regular_hyperslab(), strict=True)
    ]
