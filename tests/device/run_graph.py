"""Run the graph in a process of its own: `run_graph.py FOLDER REPRESENTATION...`, on the backend of `KERAS_BACKEND`."""

import sys
from pathlib import Path

import keras
import numpy as np

from camsortxs.device.graph import FeatureGraph

if __name__ == "__main__":  # pytest looks for doctests in every file
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    frames = np.load(folder / "frames.npz")
    values = FeatureGraph(names, standards=True).predict_on_batch({name: frames[name] for name in ("images", "masks")})
    np.savez(folder / "values.npz", backend=keras.backend.backend(), **values)
