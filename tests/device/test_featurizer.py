import subprocess
import sys

import numpy as np
import pytest

from camsortxs.device.featurizer import DeviceChain
from camsortxs.errors import ModelError
from camsortxs.features.catalogue import HANDMADE
from camsortxs.features.chain import Chain

# Of whole frames: a pixel that rounding moves to the next grey level moves a share by 1 / 65536 and a correlation more.
SOME = ["histogram.statistics", "glcm.d1", "lbp.p8", "spectrum.wavelet"]


def test_names_and_digest_are_those_of_the_chain():
    device, chain = DeviceChain(list(HANDMADE)), Chain(list(HANDMADE))

    assert device.names == chain.names
    assert device.digest == chain.digest


def test_frames_of_all_shapes_come_back_in_their_order(drawn):
    features, expected = DeviceChain(SOME, batches=(1, 2)).featurize(drawn), Chain(SOME).featurize(drawn)

    assert features.keys == expected.keys
    assert features.values == pytest.approx(expected.values, rel=2e-3, abs=2e-3)
    assert np.abs(np.diff(features.values[:4], axis=0)).max() > 1  # the frames differ, or order would not matter


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f8", ">i4", ">f4", "f2"])
def test_types_that_the_device_does_not_take_are_converted(make_frame, rng, dtype):
    image = rng.integers(0, 120, (40, 50)).astype(dtype)
    if image.dtype.kind == "f":
        image[3] = np.nan
    if dtype == "f8":
        image[5, 6] = 1e300
    frame = make_frame(image=image, mask=np.zeros(image.shape, bool))

    names = ["histogram.statistics"]
    found, expected = DeviceChain(names).featurize([frame]).values, Chain(names).featurize([frame]).values

    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_graph_is_made_for_each_size_shape_and_type_only(make_frame):
    chain = DeviceChain(["histogram.bins"], batches=(1, 4))
    frames = [make_frame(index) for index in range(6)]

    first = chain.featurize(frames)  # four, then two filled up to four
    chain.featurize(frames[:3])
    assert chain._graph.cache_info().currsize == 1

    alone = chain.featurize(frames[5:])
    assert chain._graph.cache_info().currsize == 2
    assert alone.values[0] == pytest.approx(first.values[5], abs=1e-6)


@pytest.mark.parametrize("names", [[], ["glcm.d3"], ["lenet.dense"]])
def test_what_the_device_does_not_compute_is_refused(names):
    with pytest.raises(ModelError, match="unknown representations"):
        DeviceChain(names)


def test_neither_importing_nor_making_one_starts_keras():
    script = (
        "import sys; from camsortxs.device.featurizer import DeviceChain; DeviceChain(['histogram.bins'])\n"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'torch') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
