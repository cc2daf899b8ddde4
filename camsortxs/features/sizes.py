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
