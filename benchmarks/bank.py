"""The features that need no network beside the same bank by libraries, and each texture beside scikit-image."""

from collections.abc import Callable
from typing import Any

import numpy as np
from frames import SHAPE, real
from measure import measure
from peers import ANGLES, CIRCLES, Bank, glcm, hogs, resized
from plain import beam_and_horizon
from skimage.feature import graycomatrix, hog, local_binary_pattern

from camsortxs.features import glcm as our_glcm
from camsortxs.features import hog as our_hog
from camsortxs.features import lbp as our_lbp
from camsortxs.features.catalogue import CATALOGUE, HANDMADE
from camsortxs.features.chain import Chain
from camsortxs.features.standard import Standard, standardise
from camsortxs.frames import Frame
from camsortxs.simulate import draw


def rows() -> list[dict[str, Any]]:
    """Measure the textures of the standardised frame, then the whole bank."""
    frame = draw("GISAXS", seed=1, shape=SHAPE).frame()
    standard = standardise(frame)
    return [*_textures(standard), *_bank("a simulated", frame), *_bank("a real", real())]


def _bank(which: str, frame: Frame | None) -> list[dict[str, Any]]:
    if frame is None:
        return []
    chain = Chain(list(HANDMADE))
    full, small = Bank(SHAPE), Bank(resized(frame.image).shape)
    name = f"the whole bank without networks, {len(HANDMADE)} representations, of {which} Pilatus 2M frame"
    libraries = "scikit-image, NumPy, SciPy, PyWavelets, pyFAI"
    less = "no beam search, no symmetry, no horizon"

    def ours() -> Any:
        return chain.featurize([frame])

    return [
        measure(name, ours, f"{libraries}; {less}; full resolution", lambda: full(frame.image), rounds=3),
        measure(name, ours, f"{libraries}; {less}; resized to 256", lambda: small(resized(frame.image)), rounds=15),
        measure(
            name,
            ours,
            f"{libraries}; beam search, symmetry, horizon in NumPy and SciPy; resized to 256",
            lambda: small.whole(resized(frame.image)),
            rounds=15,
            agreement=_agreement(standardise(frame)),
        ),
    ]


def _agreement(standard: Standard) -> dict[str, float]:
    """Compare what no library computes with the plain way to it."""
    ours: dict[str, float] = {}
    for name in ("radial.profile", "radial.asymmetry"):
        part = CATALOGUE[name]
        ours |= dict(zip(part.columns, part.compute(standard), strict=True))
    plain = beam_and_horizon(standard.image.astype(np.float64), standard.mask)
    return _difference([ours[name] for name in plain], list(plain.values()))


def _textures(standard: Standard) -> list[dict[str, Any]]:
    grey, valid = standard.grey, ~standard.mask
    whole = slice(0, 256)
    plain = Standard(image=standard.image, grey=grey, mask=np.zeros_like(valid), decades=1.0, rows=whole, columns=whole)
    compare = [_lbp(plain, *circle) for circle in CIRCLES]
    compare += [_hog(plain, cell) for cell in (16, 32)]
    compare += [_glcm(plain, distance) for distance in (1, 2, 4)]
    return [
        measure(f"{name}, standardised frame", ours, peer, theirs, agreement=difference)
        for name, ours, peer, theirs, difference in compare
    ]


Compared = tuple[str, Callable[[], Any], str, Callable[[], Any], dict[str, float]]


def _lbp(standard: Standard, points: int, radius: int) -> Compared:
    def fresh() -> Any:
        """Compute without what an earlier call has kept."""
        standard.made.clear()
        return our_lbp.patterns(standard, points, radius)

    inside = np.s_[radius:-radius, radius:-radius]
    codes = local_binary_pattern(standard.grey, points, radius, "uniform")[inside]
    theirs = np.bincount(codes.astype(np.intp).ravel(), minlength=points + 2) / codes.size
    return (
        f"LBP ({points}, {radius})",
        fresh,
        "skimage.feature.local_binary_pattern",
        lambda: local_binary_pattern(standard.grey, points, radius, "uniform"),
        _difference(our_lbp.patterns(standard, points, radius), theirs),
    )


def _hog(standard: Standard, cell: int) -> Compared:
    def fresh() -> Any:
        """Compute without what an earlier call has kept."""
        standard.made.clear()
        return our_hog.gradients(standard, cell)

    blocks = hog(standard.grey, 9, (cell, cell), cells_per_block=(2, 2), block_norm="L2-Hys", feature_vector=False)
    ours = our_hog.normalised(our_hog.cells(standard, cell))
    return (f"HOG, cells of {cell}", fresh, "skimage.feature.hog", lambda: hogs(standard.grey, cell),
            _difference(ours, blocks))  # fmt: skip


def _glcm(standard: Standard, distance: int) -> Compared:
    def fresh() -> Any:
        standard.made.clear()
        return our_glcm.texture(standard, distance)

    pairs = graycomatrix(standard.grey // 8, [distance], ANGLES, levels=32, symmetric=True)[:, :, 0]
    return (f"GLCM, distance {distance}", fresh, "skimage.feature.graycomatrix, graycoprops",
            lambda: glcm(standard.grey, (distance,)),
            _difference(our_glcm.matrices(standard, distance), pairs.transpose(2, 0, 1)))  # fmt: skip


def _difference(ours: Any, theirs: Any) -> dict[str, float]:
    return {"largest_difference": float(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max())}
