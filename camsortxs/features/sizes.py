"""The sizes that define the features: one place for the CPU's code and the device graph (`camsortxs.device`)."""

SIDE = 256
"""Length of the longer side of every standardised frame."""
MIN_SHARE = 0.25
"""A pooled pixel is bad when less than this share (of the best pooled pixel's) of its area is valid."""
HUGE = 1e12
"""Counts beyond this are this: sums of absurd float pixels stay finite."""

GLCM_LEVELS = 32
GLCM_DISTANCES = (1, 2, 4)
"""In pixels of the standardised frame."""
LBP_CIRCLES = ((8, 1), (16, 2), (24, 3))
"""Points P and radius R in pixels of the standardised frame."""
HOG_CELLS = (16, 32)
"""Side of a cell in pixels of the standardised frame."""
HOG_ORIENTATIONS = 9
HOG_REGIONS = 4
"""Cells are pooled to so many regions down and across."""
SPECTRUM_RINGS = 32
SPECTRUM_FAINT = 1e-9
"""Power far below that of one grey level (1e-6): a frame without structure counts as white."""
WAVELET_LEVELS = 8

POLAR_RINGS = 96
POLAR_SECTORS = 32
PROFILE_RINGS = 32
ZONES = 6
"""Of the radius, in which azimuthal harmonics are taken."""
AZIMUTHAL_ORDERS = (1, 2, 3, 4, 6)
PROMINENT = 0.02
"""Of a peak of I(r), in units of the standardised image."""
DARK = 0.05
"""Of the scaled image: all but empty."""
HORIZON_BAND = 6
"""Height of the bands above and below a horizon, in pixels of the standardised frame."""
NORMAL_OFFSETS = (-40, -24, -12, -5, 0, 5, 12, 24, 40, 64)
"""From the horizon upwards, in pixels of the standardised frame."""
CENTRE_SIDE = 64
"""The beam centre is searched for on so many pixels a side."""
CENTRE_REACH = 1.0
"""A centre may lie this many sides outside the frame: strips and corner detectors see arcs only."""
SYMMETRY_SIDE = 128
"""Symmetry is judged on so many pixels a side."""
MIN_OVERLAP = 0.2
"""A place of symmetry counts only when this share of the valid pixels has a valid partner."""
SYMMETRY_FAINT = 1e-4
"""Where pixels that meet have less than this share of an image's energy, rounding alone would be compared."""
