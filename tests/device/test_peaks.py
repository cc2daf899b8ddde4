import numpy as np
import pytest
from scipy import signal


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_peaks_are_those_of_scipy(rng, levels):
    """Few levels make flat peaks, also at the borders."""
    from keras import ops

    from camsortxs.device.peaks import find_peaks

    rows = (rng.integers(0, levels, (20, 96)) / levels).astype(np.float32)
    rows[0] = 0.5
    rows[1] = np.linspace(0, 1, 96)

    found = find_peaks(ops.convert_to_tensor(rows), 0.15)
    there, prominence, width = (ops.convert_to_numpy(each) for each in (found.found, found.prominence, found.width))

    assert not there[:2].any()
    assert there[2:].sum() > 20
    for number, row in enumerate(rows):
        # In float32 a threshold on a level itself would be a matter of rounding: 0.15 is between two.
        peaks, about = signal.find_peaks(row.astype(float), prominence=0.15, width=0)
        assert np.flatnonzero(there[number]).tolist() == peaks.tolist()
        assert prominence[number, peaks] == pytest.approx(about["prominences"], abs=1e-6)
        assert width[number, peaks] == pytest.approx(about["widths"], abs=1e-4)
