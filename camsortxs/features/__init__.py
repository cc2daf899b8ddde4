"""Featurizers: pure functions from a frame to numbers."""
