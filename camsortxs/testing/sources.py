"""A source that is a list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from camsortxs.frames import Batch


@dataclass(kw_only=True)
class ListSource:
    """Yields the batches it was given, and remembers how many were acknowledged."""

    contents: Sequence[Batch]
    acknowledged: list[int] = field(default_factory=list)

    def batches(self) -> Iterator[Batch]:
        """Yield the batches in order; acknowledging one notes its place."""
        for place, batch in enumerate(self.contents):
            yield replace(batch, acknowledge=lambda place=place: self.acknowledged.append(place))  # type: ignore[misc]
