import json

import numpy as np
import pytest
from classifiers.bundles import write_bundle
from typer.testing import CliRunner

from camsortxs.cli import app


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def folder(tmp_path, rng):
    """Two folders: a hundred frames of a pattern, three of another."""
    rows, columns = np.mgrid[:64, :64]
    for name, count, centre in (("many", 100, 32), ("few", 3, 5)):
        (tmp_path / name).mkdir()
        rate = 300 / (1 + np.hypot(rows - centre, columns - centre) / 5) ** 2 + 1
        for i in range(count):
            np.save(tmp_path / name / f"{i:03}.npy", rng.poisson(rate).astype(np.int32))
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["drift", *map(str, words)])


def test_each_path_has_its_figures_and_the_features_that_moved(folder, bundle):
    done = run(folder / "many", folder / "few", "--model", bundle, "--format", "json", "--shown", 2)
    many, few = json.loads(done.stdout)

    assert done.exit_code == 0
    assert (many["frames"], few["frames"]) == (100, 3)
    assert 0 <= many["outside"] <= 1
    assert 0 < many["drifted"] <= 1
    assert [one["psi"] for one in many["moved"]] == sorted((one["psi"] for one in many["moved"]), reverse=True)
    assert (few["drifted"], few["moved"]) == (None, [])


def test_the_table_says_that_few_frames_tell_little(folder, bundle):
    assert "fewer than 100" in run(folder / "few", "--model", bundle).stdout.replace("\n", " ")


def test_a_file_that_is_none_costs_itself_alone(folder, bundle):
    (folder / "few" / "bad.npy").write_bytes(b"no array")
    done = run(folder / "few", "--model", bundle, "--format", "json")

    assert done.exit_code == 3
    assert json.loads(done.stdout)[0]["frames"] == 3
    assert "bad.npy" in done.stderr.replace("\n", "")


def test_a_bundle_that_says_nothing_of_its_training_is_refused(folder, bundle, tmp_path):
    older = tmp_path / "older" / "0.1.0"
    older.mkdir(parents=True)
    manifest = json.loads((bundle / "model.json").read_text())
    manifest["files"] = [file for file in manifest["files"] if file["role"] != "reference"]
    for file in manifest["files"]:
        (older / file["path"]).write_bytes((bundle / file["path"]).read_bytes())
    (older / "model.json").write_text(json.dumps(manifest))
    done = run(folder / "few", "--model", older)

    assert done.exit_code == 2
    assert "how its features were distributed" in done.stderr.replace("\n", " ")
