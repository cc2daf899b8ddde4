"""Point and mirror symmetry of a batch at every place at once, as `camsortxs.features.symmetry`."""

from dataclasses import dataclass
from typing import Any

from keras import ops

from camsortxs.device.filters import blur
from camsortxs.device.standard import Standards
from camsortxs.features.once import once
from camsortxs.features.sizes import MIN_OVERLAP, SIDE, SYMMETRY_FAINT, SYMMETRY_SIDE

Tensor = Any
_TWICE = 2 * SYMMETRY_SIDE
_CELLS = SIDE // SYMMETRY_SIDE


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrasts:
    """What symmetry is judged on, `values` (B, 2, 128, 128): fine structure, and all but the mean.

    `weights` (B, 128, 128) are those of the pixels.
    """

    values: Tensor
    weights: Tensor

    @property
    def stacked(self) -> Tensor:
        """Both weighted values, both weighted squares, and the weights: what is correlated, (B, 5, 128, 128)."""
        weights = self.weights[:, None]
        return ops.concatenate([weights * self.values, weights * self.values**2, weights], axis=1)

    @property
    def faint(self) -> Tensor:
        """The least energy that counts, (B, 2)."""
        energy = ops.sum(self.weights[:, None] * self.values**2, axis=(2, 3))
        return ops.maximum(SYMMETRY_FAINT * energy, 1e-6)


@once
def contrasts(standards: Standards) -> Contrasts:
    """Return the contrasts of `camsortxs.features.symmetry.contrast`."""
    shape = (-1, SYMMETRY_SIDE, _CELLS, SYMMETRY_SIDE, _CELLS)
    share = ops.mean(ops.reshape(standards.valid, shape), axis=(2, 4))
    level = ops.mean(ops.reshape(standards.image, shape), axis=(2, 4))
    sharp, wide = (blur(level, sigma) / ops.maximum(blur(share, sigma), 1e-3) for sigma in (1.0, 10.0))
    weights = ops.where(share > 0.4, share, 0.0)
    total = ops.sum(weights, axis=(1, 2), keepdims=True)
    weights = ops.where(total > 0, weights, share)
    mean = _over(ops.sum(sharp * weights, axis=(1, 2), keepdims=True), ops.sum(weights, axis=(1, 2), keepdims=True))
    values = ops.stack([sharp - wide, sharp - mean], axis=1)
    return Contrasts(values=ops.where(weights[:, None] > 0, values, 0.0), weights=weights)


@dataclass(frozen=True, eq=False, kw_only=True)
class Turned:
    """The image against itself turned by 180 degree: sums over the pairs of pixels whose places add up to an index.

    `products` of the values and `energy`, their squares, are (B, 2, 256, 256), fine and coarse; `overlap`, the
    weights of the pairs, is (B, 256, 256), and `weight` (B,) that of all pixels.
    """

    products: Tensor
    energy: Tensor
    overlap: Tensor
    weight: Tensor

    @property
    def scores(self) -> Tensor:
        """The correlation at each place, (B, 2, 256 * 256)."""
        scores = _score(self.products, self.energy, self.overlap[:, None], self.weight[:, None, None, None])
        return ops.reshape(scores, (-1, 2, _TWICE * _TWICE))


@once
def turned(standards: Standards) -> Turned:
    """Return the masked correlations behind `camsortxs.features.symmetry.friedel`."""
    image = contrasts(standards)
    padding = ((0, 0), (0, 0), (0, SYMMETRY_SIDE), (0, SYMMETRY_SIDE))
    stacked = ops.pad(image.stacked, padding)
    f = ops.fft2((stacked, ops.zeros_like(stacked)))
    values, squares, weights = ([part[:, pick] for part in f] for pick in (slice(0, 2), slice(2, 4), slice(4, 5)))
    # The results are real: one transform brings two of them back, as its real and its imaginary part.
    products, energy = _times(values, values), _times(squares, weights)
    back = ops.ifft2((products[0] - energy[1], products[1] + energy[0]))
    overlap = _exact(ops.ifft2(_times(weights, weights))[0][:, 0])
    firm = ops.maximum(back[1], image.faint[:, :, None, None])
    return Turned(products=back[0], energy=firm, overlap=overlap, weight=ops.sum(image.weights, axis=(1, 2)))


def friedel(standards: Standards) -> tuple[Tensor, Tensor]:
    """Return the best point symmetry, fine and coarse (B, 2), and where the fine one is, (row, column) (B, 2)."""
    scores = turned(standards).scores
    place = ops.argmax(scores[:, 0], axis=1)
    at = ops.cast(ops.stack([place // _TWICE, place % _TWICE], axis=1), "float32")
    return ops.max(scores, axis=2), (at / 2.0 + 0.5) * _CELLS - 0.5


def friedel_at(standards: Standards, row: Tensor, column: Tensor) -> Tensor:
    """Return the point symmetry about `row` and `column` (B,), fine and coarse (B, 2); 0 with too few pairs there."""
    pairs = turned(standards)
    places = [ops.cast(ops.round(2.0 * ((at + 0.5) / _CELLS - 0.5)), "int32") for at in (row, column)]
    inside = [(place >= 0) & (place <= _TWICE - 2) for place in places]
    index = ops.clip(places[0], 0, _TWICE - 1) * _TWICE + ops.clip(places[1], 0, _TWICE - 1)

    def pick(sums: Tensor) -> Tensor:
        flat = ops.reshape(sums, (-1, sums.shape[1], _TWICE * _TWICE))
        return ops.take_along_axis(flat, index[:, None, None], axis=2)[:, :, 0]

    overlap = pick(pairs.overlap[:, None])
    enough = inside[0][:, None] & inside[1][:, None] & (overlap * (2.0 / MIN_OVERLAP) >= pairs.weight[:, None])
    score = pick(pairs.products) / pick(pairs.energy)
    return ops.where(enough, ops.clip(score, -1.0, 1.0), 0.0)


def mirrors(standards: Standards) -> Tensor:
    """Return the best mirror symmetry, fine and coarse, along both axes: (B, 2, 2), the last one is the axis."""
    image = contrasts(standards)
    weight = 2.0 * ops.sum(image.weights, axis=(1, 2))[:, None, None]
    scores = []
    for axis in (0, 1):
        stacked = ops.transpose(image.stacked, (0, 1, 3, 2)) if axis == 0 else image.stacked
        f = ops.rfft(stacked, _TWICE)
        values, squares, weights = ([part[:, pick] for part in f] for pick in (slice(0, 2), slice(2, 4), slice(4, 5)))
        products, energy, overlap = (
            ops.irfft(tuple(ops.sum(part, axis=2) for part in _times(a, b)), _TWICE)
            for a, b in ((values, values), (squares, weights), (weights, weights))
        )
        firm = ops.maximum(energy, image.faint[:, :, None])
        scores.append(ops.max(_score(products, firm, _exact(overlap), weight), axis=2))
    return ops.stack(scores, axis=2)


def _times(a: list[Tensor], b: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the product of two complex numbers, given as real and imaginary parts."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _score(products: Tensor, energy: Tensor, overlap: Tensor, weight: Tensor) -> Tensor:
    return ops.clip(ops.where(overlap * (1.0 / MIN_OVERLAP) > weight, products / energy, -1.0), -1.0, 1.0)


def _exact(overlap: Tensor) -> Tensor:
    """Return the overlap less the rounding of the transforms: weights are quarters, so that it is whole sixteenths.

    Of a frame without bad pixels, some places share just as much as is asked for.
    """
    return ops.round(overlap * 16.0) / 16.0


def _over(value: Tensor, total: Tensor) -> Tensor:
    return value / ops.maximum(total, 1e-12)
