"""What tests of the device graph may ask for."""

from dataclasses import replace

import numpy as np
import pytest

from camsortxs.adapters.folder import FolderFrames
from camsortxs.features.standard import standardise
from camsortxs.simulate import draw


@pytest.fixture(scope="session")
def drawn():
    """Frames of all techniques and several shapes, with gaps, bad pixels, nothing on them, or one value."""
    rng = np.random.default_rng(7)
    kinds = (("SAXS", (300, 260)), ("WAXS", (195, 487)), ("GISAXS", (487, 401)), ("GIWAXS", (300, 260)))
    frames = [draw(kind, seed=5, index=0, shape=shape).frame() for kind, shape in kinds]
    first = frames[0]
    broken = first.mask | (rng.random(first.mask.shape) < 0.1)
    broken[100:130] = True
    frames += [replace(first, mask=broken)]
    frames += [replace(first, image=np.full(first.image.shape, value, np.int32)) for value in (0, 7)]
    return frames


@pytest.fixture(scope="session")
def real(real_frames):
    """One real frame of each technique."""
    folders = [FolderFrames([real_frames / kind], batch=1) for kind in ("saxs", "waxs", "gisaxs", "giwaxs")]
    return [next(frame for batch in folder.batches() for frame in batch.frames) for folder in folders]


@pytest.fixture(scope="session")
def on_device():
    """Turn standardised frames of the CPU into those of the device, so that a test can compare what follows."""
    from keras import ops

    from camsortxs.device.standard import Standards

    def convert(frames):
        alike = [standardise(frame) for frame in frames]
        assert len({(one.rows.start, one.columns.start) for one in alike}) == 1
        image, grey, valid = (
            np.stack(values)
            for values in (
                [one.image for one in alike],
                [one.grey.astype(np.int32) for one in alike],
                [(~one.mask).astype(np.float32) for one in alike],
            )
        )
        decades = np.array([one.decades for one in alike], np.float32)
        image, grey, valid, decades = (ops.convert_to_tensor(value) for value in (image, grey, valid, decades))
        rows, columns = alike[0].rows, alike[0].columns
        return alike, Standards(image=image, grey=grey, valid=valid, decades=decades, rows=rows, columns=columns)

    return convert
