"""The cheap check that comes before the classifier: a frame with nothing in it is `no_signal`."""

import numpy as np
from scipy import ndimage

from camsortxs.frames import Frame

MIN_LIT = 0.02
"""Darks of photon-counting detectors have 0.1-0.6 % lit pixels, the weakest useful frame known to us 9 %."""
DIRECT_BEAM_PIXELS = 400
"""More than `DIRECT_BEAM_SHARE` of all counts within this many pixels is the direct beam (a disc 22 pixels across)."""
DIRECT_BEAM_SHARE = 0.9


def no_signal(frame: Frame) -> str | None:
    """Say why the frame carries no scattering: `dark`, `direct_beam`, or None when it does carry some.

    Pixels are counted in the frame's own units after the offset (the median, for integrating detectors) is taken
    away. A lit pixel without a lit neighbour is a cosmic hit or a hot pixel and does not count.

    Source: `SIMULATION.md` section 6 (policy and the figures above).
    """
    image = np.where(frame.mask, 0, frame.image).astype(np.float32)
    valid = ~frame.mask
    offset = float(np.median(image[valid]))
    spread = float(np.percentile(image[valid], 84.0)) - offset
    counts = np.maximum(image - offset, 0.0) if offset > 0 else np.maximum(image, 0.0)
    lit = counts > max(0.0, 5.0 * spread if offset > 0 else 0.0)
    neighbours = ndimage.uniform_filter(lit.astype(np.float32), 3) * 9
    lit &= neighbours >= 2
    if offset <= 0 and lit.sum() < MIN_LIT * valid.sum():
        return "dark"
    if counts.max() <= 0:
        return "dark"
    brightest = (
        np.partition(counts[valid], -DIRECT_BEAM_PIXELS)[-DIRECT_BEAM_PIXELS:]
        if valid.sum() > DIRECT_BEAM_PIXELS
        else counts[valid]
    )
    if brightest.sum() > DIRECT_BEAM_SHARE * counts.sum():
        return "direct_beam"
    return None
