"""The sizes that define the features: one place for the CPU's code and the device graph (`camsortxs.device`)."""

SIDE = 256
"""Length of the longer side of every standardised frame."""
MIN_SHARE = 0.25
"""A pooled pixel is bad when less than this share (of the best pooled pixel's) of its area is valid."""
HUGE = 1e12
"""Counts beyond this are this: sums of absurd float pixels stay finite."""
