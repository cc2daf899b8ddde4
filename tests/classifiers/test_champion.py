import json
from datetime import UTC, datetime

import pytest
from classifiers.bundles import write_bundle

from camsortxs.classifiers.bundle import default_bundle, default_models, load_bundle
from camsortxs.classifiers.champion import (
    POINTER,
    Pointer,
    Served,
    champion_of,
    log_decision,
    read_pointer,
    write_pointer,
)
from camsortxs.errors import ModelError

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def models(tmp_path):
    write_bundle(tmp_path)
    write_pointer(tmp_path, Pointer(champion=Served(model="tiny/0.1.0", since=NOW, why="the only one")))
    return tmp_path


def test_a_pointer_comes_back_as_it_was_written(models):
    pointer = read_pointer(models)

    assert (pointer.champion.model, pointer.champion.since) == ("tiny/0.1.0", NOW)
    assert champion_of(models) == models / "tiny" / "0.1.0"
    assert sorted(path.name for path in models.iterdir()) == [POINTER, "tiny"]


def test_a_folder_of_models_stands_for_its_champion(models):
    assert load_bundle(models).manifest.reference == "tiny@0.1.0"
    assert load_bundle(models).folder == models / "tiny" / "0.1.0"


def test_what_is_shipped_is_what_the_pointer_names():
    pointer = read_pointer(default_models())

    assert default_bundle() == default_models() / pointer.champion.model
    assert load_bundle(default_bundle()).manifest.reference == pointer.champion.model.replace("/", "@")


def test_nothing_promoted_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match=r"no champion\.json: promote a model with `camsortxs models promote"):
        champion_of(tmp_path)


def test_a_champion_that_is_gone_says_what_to_do(models):
    (models / "tiny" / "0.1.0" / "model.json").unlink()

    with pytest.raises(ModelError, match=r"names tiny/0\.1\.0, which cannot be read.*models rollback"):
        champion_of(models)


def test_another_bundle_in_the_champion_s_place_is_refused(models):
    served = Served(model="tiny/0.1.0", since=NOW, why="", manifest="0" * 64)
    write_pointer(models, Pointer(champion=served))

    with pytest.raises(ModelError, match="not the bundle that was promoted"):
        load_bundle(models)


@pytest.mark.parametrize("model", ["../elsewhere/0.1.0", "/etc/0.1.0", "tiny", "tiny/../../0.1.0", "tiny/0.1.0/.."])
def test_a_pointer_out_of_the_folder_is_refused(models, model):
    contents = json.loads((models / POINTER).read_text())
    contents["champion"]["model"] = model
    (models / POINTER).write_text(json.dumps(contents))

    with pytest.raises(ModelError, match=r"champion\.json is not usable: champion\.model"):
        champion_of(models)


@pytest.mark.parametrize("contents", ["", "{", "[]", "{}"])
def test_a_pointer_that_is_none_is_refused(models, contents):
    (models / POINTER).write_text(contents)

    with pytest.raises(ModelError, match="not usable"):
        load_bundle(models)


def test_a_pointer_that_cannot_be_written_leaves_the_old_one(models, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ModelError, match="No space left on device"):
        write_pointer(models, Pointer(champion=Served(model="other/0.1.0", since=NOW, why="")))

    assert read_pointer(models).champion.model == "tiny/0.1.0"
    assert sorted(path.name for path in models.iterdir()) == [POINTER, "tiny"]


def test_the_log_only_grows(tmp_path):
    log_decision(tmp_path, when=NOW, action="promoted", model="a/1.0.0", why="better")
    first = (tmp_path / "promotions.jsonl").read_text()
    log_decision(tmp_path, when=NOW, action="rolled back", model="b/1.0.0", why="asked", figures={"x": 1})
    lines = (tmp_path / "promotions.jsonl").read_text()

    assert lines.startswith(first)
    assert [json.loads(line)["action"] for line in lines.splitlines()] == ["promoted", "rolled back"]
