import numpy as np
import pytest

from camsortxs.features import asymmetry, radial
from camsortxs.features.centre import estimate_centre
from camsortxs.features.standard import standardise
from camsortxs.features.symmetry import contrast, friedel, friedel_at, mirror


def rings(shape, row, column, period=40.0) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(rows - row, columns - column)
    return 2000 / (1 + radius / 60) ** 2 * (1.2 + np.cos(2 * np.pi * radius / period))


def grazing(rows, columns, horizon=180, axis=128) -> np.ndarray:
    """A horizon at a row, rods that stand on it, mirrored about a column."""
    above = np.clip(horizon - rows, 0, None)
    rods = sum(np.exp(-(((np.abs(columns - axis) - x) / 4.0) ** 2)) for x in (0, 30, 60))
    return np.where(above > 0, 5 + 800 * np.exp(-above / 60) * (0.2 + rods), 0.0)


def standard_of(make_frame, rng, image, mask=None):
    image = rng.poisson(np.asarray(image, dtype=float))
    return standardise(make_frame(image=image, mask=np.zeros(image.shape, bool) if mask is None else mask))


@pytest.mark.parametrize("at", [(128.0, 128.0), (60.0, 190.0), (250.0, 128.0), (128.0, -60.0)])
def test_the_beam_is_found_also_at_the_edge_and_outside(make_frame, rng, at):
    centre = estimate_centre(standard_of(make_frame, rng, rings((256, 256), *at)))

    assert (centre.row, centre.column) == pytest.approx(at, abs=4.0)
    assert centre.roundness > 0.9


def test_a_dead_quadrant_does_not_move_the_beam(make_frame, rng):
    mask = np.zeros((256, 256), dtype=bool)
    mask[140:, 128:] = True
    centre = estimate_centre(standard_of(make_frame, rng, rings((256, 256), 120.0, 110.0), mask))

    assert (centre.row, centre.column) == pytest.approx((120.0, 110.0), abs=4.0)


def test_the_profile_counts_the_rings(make_frame, rng):
    standard = standard_of(make_frame, rng, rings((256, 256), 128.0, 128.0, period=30.0))
    found = dict(zip(radial.PROFILE_COLUMNS, radial.profile(standard), strict=True))

    assert 4 <= found["peaks"] <= 6  # at 30, 60, 90, 120 and 150 pixels, the last in the corners
    assert found["spacing"] == pytest.approx(30.0 / 181.0, rel=0.15)
    assert found["i00"] > found["i31"]


def test_transmission_has_point_symmetry_and_grazing_incidence_one_mirror(make_frame, rng):
    rows, columns = np.mgrid[:256, :256]
    around = contrast(standard_of(make_frame, rng, rings((256, 256), 110.0, 140.0)))
    above = contrast(standard_of(make_frame, rng, grazing(rows, columns)), fine=False)

    assert friedel(around).score > 0.8
    assert friedel(around).at == pytest.approx((110.0, 140.0), abs=3.0)
    assert mirror(above, 1).score > 0.8
    assert mirror(above, 1).at[1] == pytest.approx(128.0, abs=2.0)
    assert mirror(above, 0).score < mirror(above, 1).score - 0.2


def test_where_nothing_is_seen_nothing_is_symmetric(make_frame):
    rows, columns = np.mgrid[:256, :256]
    strip = np.where(rows < 12, 10.0 + columns + 30.0 * rows, 0.0)  # below it, rounding alone would tell
    image = contrast(standardise(make_frame(image=strip, mask=np.zeros(strip.shape, bool))))

    assert mirror(image, 0).score < 0.2
    assert friedel(image).score < 0.2
    assert friedel_at(image, 200.0, 128.0) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_a_horizon_is_told_alike_whichever_way_the_sample_reflects(make_frame, rng, quarter):
    rows, columns = np.mgrid[:256, :256]
    image = rng.poisson(grazing(rows, columns))
    no_mask = np.zeros(image.shape, bool)
    usual = asymmetry.asymmetry(standardise(make_frame(image=image, mask=no_mask)))
    turned = asymmetry.asymmetry(standardise(make_frame(image=np.rot90(image, quarter).copy(), mask=no_mask)))
    found = dict(zip(asymmetry.COLUMNS, turned, strict=True))

    assert found["edge.coherence"] > 0.9
    assert found["edge.place"] == pytest.approx(180 / 256, abs=0.01)
    assert found["edge.dark_below"] > 0.95
    names = [i for i, name in enumerate(asymmetry.COLUMNS) if name.startswith(("edge", "normal", "rods", "mirror"))]
    names = [i for i in names if asymmetry.COLUMNS[i] != "edge.from_beam"]
    assert np.allclose(turned[names], usual[names], atol=0.05)


def test_round_patterns_have_no_horizon(make_frame, rng):
    rows, columns = np.mgrid[:256, :256]
    score = asymmetry.COLUMNS.index("edge.score")
    around = asymmetry.asymmetry(standard_of(make_frame, rng, rings((256, 256), 128.0, 128.0, period=400.0)))
    above = asymmetry.asymmetry(standard_of(make_frame, rng, grazing(rows, columns)))

    assert above[score] > 3 * around[score]
