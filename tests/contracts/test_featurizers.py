"""What every featurizer promises."""

import numpy as np
import pytest

from camsortxs.classifiers.embeddings import chain_with
from camsortxs.device.featurizer import DeviceChain
from camsortxs.errors import ModelError
from camsortxs.features.base import Featurizer
from camsortxs.features.catalogue import CATALOGUE
from camsortxs.features.chain import Chain
from camsortxs.testing import TinyFeaturizer

# One of a kind: each shape of frame is compiled anew. tests/device compares all of them.
ON_DEVICE = ["histogram.statistics", "glcm.d2", "hog.c32", "spectrum.wavelet"]


@pytest.fixture(params=[*CATALOGUE, "all", "device", "fake"])
def featurizer(request) -> Featurizer:
    if request.param == "fake":
        return TinyFeaturizer()
    if request.param == "device":
        return DeviceChain(ON_DEVICE)
    return chain_with(CATALOGUE if request.param == "all" else [request.param])


def difficult(make_frame, rng):
    """Frames at the border of what is possible."""

    def frame(index, image, mask=None):
        return make_frame(index, image=image, mask=np.zeros(image.shape, bool) if mask is None else mask)

    one_valid = np.ones((50, 60), dtype=bool)
    one_valid[20, 30] = False
    hot = np.zeros((100, 100), dtype=np.uint32)
    hot[50, 50] = 4_194_300
    return [
        frame(0, np.zeros((64, 64), dtype=np.uint16)),
        frame(1, np.full((64, 64), 7.5)),
        frame(2, np.ones((1, 1))),
        frame(3, np.arange(300.0).reshape(1, 300)),
        frame(4, rng.poisson(3.0, (50, 60)), one_valid),
        frame(5, hot),
        frame(6, np.full((80, 80), 1e38)),
        frame(7, rng.normal(0, 1e-3, (80, 120)).astype(np.float32)),
        frame(8, rng.poisson(0.05, (195, 487))),
        frame(9, rng.random((40, 40)) < 0.5),
    ]


def test_a_name_for_each_number_and_each_name_once(featurizer, make_frame):
    features = featurizer.featurize([make_frame(0), make_frame(1)])

    assert features.names == featurizer.names
    assert len(set(featurizer.names)) == len(featurizer.names)
    assert features.values.shape == (2, len(featurizer.names))
    assert [key.index for key in features.keys] == [0, 1]


def test_no_frames_are_no_rows(featurizer):
    assert featurizer.featurize([]).values.shape == (0, len(featurizer.names))


def test_rows_are_independent_of_the_batch_and_repeatable(featurizer, make_frame):
    frames = [make_frame(i, grazing=i % 2 == 1) for i in range(3)]
    together = featurizer.featurize(frames).values
    alone = np.concatenate([featurizer.featurize([frame]).values for frame in reversed(frames)])[::-1]

    if isinstance(featurizer, DeviceChain):  # other sizes of a batch are other programs, which may round otherwise
        assert together == pytest.approx(alone, rel=1e-4, abs=1e-4)
    else:
        assert np.array_equal(together, alone)


def test_the_values_of_bad_pixels_never_matter(featurizer, make_frame, rng):
    frame = make_frame()
    mask = rng.random(frame.image.shape) < 0.05
    mask[50:55] = True
    values = []
    for fill in (-1, 0, 2**31 - 1):
        image = frame.image.copy()
        image[mask] = fill
        values.append(featurizer.featurize([make_frame(image=image, mask=mask)]).values)

    assert np.array_equal(values[0], values[1])
    assert np.array_equal(values[0], values[2])


def test_every_number_is_finite_whatever_the_frame(featurizer, make_frame, rng):
    frames = difficult(make_frame, rng)
    with np.errstate(all="raise", under="ignore"):
        values = featurizer.featurize(frames).values

    assert np.isfinite(values).all()


def test_the_frame_is_not_changed(featurizer, make_frame):
    frame = make_frame()
    before = frame.image.copy()
    frame.image.setflags(write=False)
    featurizer.featurize([frame])

    assert np.array_equal(frame.image, before)


def test_the_digest_names_the_features():
    assert Chain(["glcm.d1"]).digest == Chain(["glcm.d1"]).digest
    assert len({chain_with([name]).digest for name in CATALOGUE}) == len(CATALOGUE) == 25
    assert Chain(["glcm.d1", "glcm.d2"]).digest != Chain(["glcm.d2", "glcm.d1"]).digest


@pytest.mark.parametrize("names", [[], ["glcm.d3"]])
def test_unknown_representations_are_refused(names):
    with pytest.raises(ModelError, match="unknown representations"):
        Chain(names)
