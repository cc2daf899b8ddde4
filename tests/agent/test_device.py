"""Where the agent computes features."""

import pytest

from camsortxs.device.featurizer import DeviceChain
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs_agent import serving
from camsortxs_agent.settings import ModelSettings


@pytest.mark.parametrize(
    ("device", "gpu", "kind"), [("auto", None, Chain), ("auto", "gpu:0", DeviceChain), ("cpu", "gpu:0", Chain)]
)
def test_a_gpu_is_used_where_there_is_one_and_it_is_wanted(device, gpu, kind, monkeypatch):
    monkeypatch.setattr(serving, "accelerator", lambda: gpu)
    monkeypatch.setattr(DeviceChain, "warm_up", lambda self: None)
    model = serving.load_model(ModelSettings(device=device)).model
    assert type(model.featurizer) is kind
    assert model.featurizer.digest == model.classifier.feature_digest
    assert (model.group > 1) is (kind is DeviceChain)


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(serving, "accelerator", lambda: None)
    with pytest.raises(ModelError, match="auto"):
        serving.load_model(ModelSettings(device="gpu"))
