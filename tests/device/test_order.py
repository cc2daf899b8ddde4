import numpy as np
import pytest


@pytest.mark.parametrize("per_mille", [10, 500, 800, 990, 999])
def test_percentiles_are_those_of_numpy_over_the_values_that_count(rng, per_mille):
    from keras import ops

    from camsortxs.device.order import percentile

    values, valid = rng.lognormal(size=(6, 5000)).astype(np.float32), (rng.random((6, 5000)) < 0.7).astype(np.float32)
    valid[1] = 0
    valid[1, 77] = 1
    expected = [np.percentile(row[there > 0], per_mille / 10) for row, there in zip(values, valid, strict=True)]

    found = ops.convert_to_numpy(percentile(ops.convert_to_tensor(values), ops.convert_to_tensor(valid), per_mille))

    assert found == pytest.approx(np.array(expected), rel=1e-6)


def test_nothing_has_no_percentile():
    from keras import ops

    from camsortxs.device.order import percentile

    nothing = ops.zeros((2, 10), dtype="float32")

    assert ops.convert_to_numpy(percentile(nothing + 3.0, nothing, 500)).tolist() == [0.0, 0.0]
