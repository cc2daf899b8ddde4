import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from camsortxs.features import glcm
from camsortxs.features.standard import standardise


def test_without_bad_pixels_it_is_scikit_image(make_frame, rng):
    image = rng.integers(0, 1000, (256, 256))
    standard = standardise(make_frame(image=image, mask=np.zeros(image.shape, bool)))
    pairs = graycomatrix(standard.grey // 8, [2], glcm.ANGLES, levels=32, symmetric=True)

    found = glcm.texture(standard, 2)

    for place, name in enumerate(glcm.PROPERTIES):
        angles = graycoprops(pairs, name)[0]
        assert found[2 * place] == pytest.approx(angles.mean())
        assert found[2 * place + 1] == pytest.approx(np.ptp(angles))


def test_stripes_have_a_direction(make_frame):
    stripes = np.tile(np.repeat([1, 1000], 1), (256, 128))
    found = dict(
        zip(
            glcm.COLUMNS,
            glcm.texture(standardise(make_frame(image=stripes, mask=np.zeros(stripes.shape, bool))), 1),
            strict=True,
        )
    )
    assert found["correlation.range"] == pytest.approx(2.0)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_pairs_are_counted_as_in_scikit_image_without_those_of_bad_pixels(make_frame, rng, distance):
    mask = rng.random((180, 256)) < 0.1
    standard = standardise(make_frame(image=rng.integers(0, 1000, mask.shape), mask=mask))
    levels = np.where(standard.mask, 0, standard.grey // 8 + 1).astype(np.uint8)
    expected = graycomatrix(levels, [distance], glcm.ANGLES, levels=33, symmetric=True)[1:, 1:, 0]

    assert np.array_equal(glcm.matrices(standard, distance), expected.transpose(2, 0, 1))
