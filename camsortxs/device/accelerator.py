"""Whether there is a GPU that Keras can compute on."""

from importlib.util import find_spec
from pathlib import Path

_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' Linux


def accelerator() -> str | None:
    """Return the name of the first GPU of the backend of Keras; None where there is no driver, no Keras or no GPU.

    Without a driver nothing is imported: Keras and a backend take seconds.
    """
    if find_spec("keras") is None or not any(Path(driver).exists() for driver in _DRIVERS):
        return None
    import keras

    if keras.backend.backend() == "torch":  # the one that does not list its devices
        import torch

        return "cuda:0" if torch.cuda.is_available() else None
    devices: list[str] = keras.distribution.list_devices()
    return next((device for device in devices if not device.startswith("cpu")), None)
