from pathlib import Path

import pytest

from camsortxs.device import accelerator as module
from camsortxs.device.accelerator import accelerator


def test_without_a_driver_nothing_is_imported(monkeypatch):
    monkeypatch.setattr(module, "_DRIVERS", ())
    monkeypatch.setattr(module, "find_spec", lambda name: True)
    monkeypatch.setitem(__import__("sys").modules, "keras", None)  # an import would raise
    assert accelerator() is None


def test_without_keras_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_DRIVERS", (tmp_path,))
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert accelerator() is None


@pytest.mark.parametrize(("devices", "found"), [(["cpu:0"], None), (["cpu:0", "gpu:0"], "gpu:0"), ([], None)])
def test_the_first_device_that_is_not_the_cpu_is_it(devices, found, monkeypatch, tmp_path: Path):
    keras = pytest.importorskip("keras")
    monkeypatch.setattr(module, "_DRIVERS", (tmp_path,))
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: devices)
    assert accelerator() == found
