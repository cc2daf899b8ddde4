import json

import pytest

from camsortxs.errors import ModelError
from camsortxs.features.catalogue import CATALOGUE
from camsortxs.offline.grid import cost
from camsortxs.offline.grid.cost import featurization


def test_features_are_timed_once(make_frame, tmp_path, monkeypatch):
    file = tmp_path / "work" / "times.json"

    def frames():
        return [make_frame(0), make_frame(1, grazing=True)]

    found = featurization(["histogram.statistics", "glcm.d1"], frames, {}, file=file)
    assert all(1 < microseconds < 1e6 for microseconds in found.values())

    timed: list[str] = []
    monkeypatch.setattr(cost, "_time", lambda name, *_: timed.append(name) or 1.0)
    again = featurization(["glcm.d1", "shipped"], frames, {}, file=file)

    assert again["glcm.d1"] == found["glcm.d1"]
    assert set(timed) == {"shipped"}
    assert featurization(["glcm.d1"], lambda: pytest.fail("drawn for nothing"), {}, file=file) == {
        "glcm.d1": found["glcm.d1"]
    }
    assert f"glcm.d1 v{CATALOGUE['glcm.d1'].version}" in json.loads(file.read_text())


def test_times_that_cannot_be_read_say_what_to_do(make_frame, tmp_path):
    (tmp_path / "times.json").write_text("{")

    with pytest.raises(ModelError, match="remove it"):
        featurization(["glcm.d1"], lambda: [make_frame(0)], {}, file=tmp_path / "times.json")
