"""How often, as matrix products: no scattered writes that wait for one another where half of the pixels are dark."""

from typing import Any

from keras import ops

Tensor = Any
_COLUMNS = 16


def pairs(first: Tensor, second: Tensor, rows: int, columns: int) -> Tensor:
    """Return how often each pair of `first` and `second` (B, N) occurs, (B, rows, columns); -1 does not count.

    Zeros and ones, added in float32: exact, also where a processor rounds the factors of a product (TF32).
    """
    return products(ops.one_hot(first, rows, dtype="float32"), ops.one_hot(second, columns, dtype="float32"))


def products(first: Tensor, second: Tensor) -> Tensor:
    """Return the products of the columns of `first` (B, N, rows) and `second` (B, N, columns), (B, rows, columns)."""
    return ops.matmul(ops.transpose(first, (0, 2, 1)), second)


def shares(levels: Tensor, valid: Tensor, number: int) -> Tensor:
    """Return the share of the valid pixels at each of `number` levels, (B, number); all 0 where none is valid.

    `levels` int32 and `valid`, 1 or 0, are of any shape (B, ...).
    """
    pixels = (-1, _size(levels))
    levels, there = ops.reshape(levels, pixels), ops.reshape(valid, pixels) > 0
    rows = -(-number // _COLUMNS)
    found = pairs(ops.where(there, levels // _COLUMNS, -1), levels % _COLUMNS, rows, _COLUMNS)
    found = ops.reshape(found, (-1, rows * _COLUMNS))[:, :number]
    return found / ops.maximum(ops.sum(found, axis=1, keepdims=True), 1.0)


def _size(levels: Tensor) -> int:
    size = 1
    for side in levels.shape[1:]:
        size *= side
    return size
