import numpy as np
import pytest
from skimage.feature import hog as skimage_hog

from camsortxs.features import hog
from camsortxs.features.sizes import HOG_CELLS


def as_regions(values):
    return values.reshape(hog.REGIONS, hog.REGIONS, hog.ORIENTATIONS)


@pytest.mark.parametrize("cell", HOG_CELLS)
def test_without_bad_pixels_it_is_scikit_image_pooled(noise, cell):
    side, inside = 256 // cell, 64 // cell
    blocks = skimage_hog(noise.grey, 9, (cell, cell), (2, 2), "L2-Hys", feature_vector=False)
    of_cell = [
        [
            np.mean(
                [
                    blocks[row - down, column - across, down, across]
                    for down in (0, 1)
                    for across in (0, 1)
                    if 0 <= row - down < side - 1 and 0 <= column - across < side - 1
                ],
                axis=0,
            )
            for column in range(side)
        ]
        for row in range(side)
    ]
    found = as_regions(hog.gradients(noise, cell))

    for row in range(4):
        for column in range(4):
            cells = np.array(of_cell)[row * inside : (row + 1) * inside, column * inside : (column + 1) * inside]
            assert found[row, column] == pytest.approx(cells.mean(axis=(0, 1)), rel=1e-6)  # it sums in float32


@pytest.mark.parametrize("cell", HOG_CELLS)
@pytest.mark.parametrize(("down", "across", "bin_of"), [(1, 0, "o080"), (0, 1, "o000"), (1, 1, "o040")])
def test_the_names_tell_the_direction_of_the_gradient(standard_from, cell, down, across, bin_of):
    rows, columns = np.mgrid[:256, :256]
    found = hog.gradients(standard_from(np.exp((down * rows + across * columns) / 60.0)), cell)
    strongest = {name for name, value in zip(hog.COLUMNS, found, strict=True) if value > 0.3}

    assert strongest == {f"r{row}c{column}.{bin_of}" for row in range(4) for column in range(4)}


@pytest.mark.parametrize("cell", HOG_CELLS)
def test_half_a_turn_changes_the_places_alone(standard_from, rng, round_pattern, cell):
    image = rng.poisson(round_pattern)
    usual = as_regions(hog.gradients(standard_from(image), cell))
    turned = as_regions(hog.gradients(standard_from(image[::-1, ::-1].copy()), cell))

    assert np.linalg.norm(turned[::-1, ::-1] - usual) < 0.02 * np.linalg.norm(usual)


@pytest.mark.parametrize("cell", HOG_CELLS)
def test_gaps_hardly_show(standard_from, rng, round_pattern, gaps, cell):
    image = rng.poisson(round_pattern)
    whole, with_gaps = (hog.gradients(standard_from(image, mask), cell) for mask in (None, gaps))

    assert np.linalg.norm(with_gaps - whole) < 0.12 * np.linalg.norm(whole)


def test_a_region_that_is_not_seen_is_zero_and_a_flat_frame_too(standard_from, rng):
    mask = np.zeros((256, 256), dtype=bool)
    mask[64:128, 128:192] = True
    found = as_regions(hog.gradients(standard_from(rng.poisson(50.0, (256, 256)), mask), 16))

    assert not found[1, 2].any()
    assert (found.sum(axis=2) > 0).sum() == 15
    assert not hog.gradients(standard_from(np.full((300, 200), 7.0)), 16).any()
