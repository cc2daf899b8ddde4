"""Order statistics without a sort: only what lies about the place asked for is put in order."""

from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled, inlined

_BUCKETS = 1024
_EQUAL = 1e-30


def percentile(values: npt.NDArray[Any], percent: float) -> float:
    """Return what `percent` of `values` (flat, finite, at least one) lie below, between two of them in proportion.

    As `numpy.percentile`, a fraction of its time.

    >>> percentile(np.array([3.0, 1.0, 2.0, 10.0]), 50.0)
    2.5
    """
    values = values.astype(np.float64)
    place = percent / 100.0 * (values.size - 1)
    below = int(place)
    found = _bucketed(values, below)
    if place == below:
        return float(found[0])
    above = found[1] if found.size > 1 else values[values > found[0]].min()
    return float(found[0] + (place - below) * (above - found[0]))


def _bucketed(values: npt.NDArray[np.float64], place: int) -> npt.NDArray[np.float64]:
    """Return the value in `place`, and in order those after it that are close to it, if any."""
    while values.size > _BUCKETS:
        low = float(values.min())
        wide = float(values.max()) - low
        if wide < _EQUAL:
            break
        values, below = _bucket(values, low, (_BUCKETS - 1) / wide, place)
        place -= below
    return np.sort(values)[place:]


@compiled
def _bucket(values: Any, low: float, scale: float, place: int) -> Any:
    """Return those of `values` that share the equal bucket of the one in `place`, and how many lie in lower ones."""
    # Two tables in turn: the processor waits for a count before it adds to it again.
    even, odd = np.zeros(_BUCKETS, np.int64), np.zeros(_BUCKETS, np.int64)
    for i in range(0, values.size - 1, 2):
        even[_bucket_of(values[i], low, scale)] += 1
        odd[_bucket_of(values[i + 1], low, scale)] += 1
    if values.size % 2:
        even[_bucket_of(values[-1], low, scale)] += 1
    bucket, below = 0, 0
    while below + even[bucket] + odd[bucket] <= place:
        below += even[bucket] + odd[bucket]
        bucket += 1
    kept = np.empty(even[bucket] + odd[bucket], values.dtype)
    count = 0
    for value in values:
        if _bucket_of(value, low, scale) == bucket:
            kept[count] = value
            count += 1
    return kept, below


@inlined
def _bucket_of(value: Any, low: float, scale: float) -> Any:
    return min(np.uint32((value - low) * scale), np.uint32(_BUCKETS - 1))
