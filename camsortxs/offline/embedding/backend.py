"""Keras on TensorFlow, imported when it is needed and without its chatter."""

import os
from importlib.util import find_spec
from types import ModuleType

from camsortxs.errors import ModelError

NEEDED = ("tensorflow", "keras", "tf2onnx")


def keras() -> ModuleType:
    """Import Keras.

    Raises
    ------
    ModelError
        When it is not installed, or runs on another backend: the export to ONNX is TensorFlow's.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ModelError(f"{missing[0]} is not there: training an embedding needs pip install 'camsortxs[deep,cpu]'")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras as module

    if module.config.backend() != "tensorflow":
        raise ModelError(f"Keras runs on {module.config.backend()} here: set KERAS_BACKEND=tensorflow to train")
    found: ModuleType = module
    return found
