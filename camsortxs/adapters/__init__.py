"""The edges: the only rooms that know tiled, fabio, h5py."""
