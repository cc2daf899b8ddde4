import json
import re
import shutil

import numpy as np
import pytest
from cli.contest import write_frames, write_model
from sklearn.ensemble import ExtraTreesClassifier
from typer.testing import CliRunner

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.champion import LOG, POINTER, read_log, read_pointer
from camsortxs.cli import app
from camsortxs.offline.train import Trained

# pycaret pulls in libraries that deprecate one another; the converters warn of versions.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("first"), "mine/0.2.0")


@pytest.fixture
def evaluation(tmp_path):
    return write_frames(tmp_path / "evaluation")


@pytest.fixture
def labelled(tmp_path):
    """Frames to learn from, of six groups; one of them is also in the evaluation set."""
    folder = write_frames(tmp_path / "labelled", dark=0, groups=6, called="site")
    table = (folder / "labels.csv").read_text()
    (folder / "labels.csv").write_text(table.replace(",site 0", ",source 0"))
    return folder


@pytest.fixture
def models(tmp_path, first, evaluation):
    folder = tmp_path / "models"
    shutil.copytree(first, folder / "mine" / "0.2.0")
    promoted = CliRunner().invoke(
        app, ["models", "promote", "mine/0.2.0", "--models", str(folder), "--frames", str(evaluation)]
    )
    assert promoted.exit_code == 0, promoted.output
    return folder


@pytest.fixture
def retrain(models, labelled, evaluation, tmp_path):
    def invoke(*more):
        words = ["--simulated", "0", "--labels", labelled / "labels.csv", "--evaluation-frames", evaluation]
        words += ["--models", models, "--trees", "10", "--folds", "2", "--cache", tmp_path / "features.sqlite"]
        return CliRunner().invoke(app, ["retrain", *map(str, words), "--format", "json", *more])

    return invoke


@pytest.fixture
def quickly(monkeypatch):
    """Learn without pycaret, rightly or the wrong names: `quickly(confused=True)`."""

    def learn(*, confused=False):
        def train(dataset, classifiers, options):
            told = np.array([1, 0, 2, 3])[dataset.labels] if confused else dataset.labels
            estimator = ExtraTreesClassifier(20, random_state=0).fit(dataset.values, told)
            p = estimator.predict_proba(dataset.values).astype(np.float32)
            return Trained(
                estimator=estimator, classifiers=("et",), temperature=1.0, threshold=0.5, out_of_fold=p, leaderboard={}
            )

        monkeypatch.setattr("camsortxs.offline.retrain.train", train)

    return learn


def test_one_command_learns_from_labels_and_promotes_what_is_as_good(retrain, models):
    done = retrain()

    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert (said["model"], said["instead_of"], said["promoted"]) == ("mine/0.2.1", "mine/0.2.0", True)
    assert said["learnt_from"] == {"frames": 40, "measured": 40, "groups": 5, "not_read": 0}
    assert read_pointer(models).champion.model == "mine/0.2.1"
    training = load_bundle(models).manifest.training
    assert training.group_names == tuple(f"site {place}" for place in range(1, 6)), "source 0 is in the evaluation set"
    assert "8 frames of the groups of the evaluation set left out" in training.description
    assert "camsortxs retrain" in (models / "mine" / "0.2.1" / "MODEL_CARD.md").read_text()


def test_without_new_labels_there_is_nothing_to_do(retrain, models, quickly):
    quickly()
    assert retrain().exit_code == 0
    before = (models / LOG).read_bytes()
    done = retrain()

    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["promoted"], said["champion"]) == (False, "mine@0.2.1")
    assert said["why"].startswith("nothing new: mine/0.2.1 learnt from the same frames and was promoted")
    assert (models / LOG).read_bytes() == before
    assert json.loads(retrain("--anew").stdout)["model"] == "mine/0.2.2"


def test_a_refused_challenger_is_removed_and_remembered(retrain, models, quickly):
    quickly(confused=True)
    before = (models / POINTER).read_bytes()
    done = retrain()

    assert done.exit_code == 4, done.output
    said = json.loads(done.stdout)
    assert (said["promoted"], said["verdict"]["good"]) == (False, False)
    assert (models / POINTER).read_bytes() == before
    assert [path.name for path in (models / "mine").iterdir()] == ["0.2.0"]
    assert [line["action"] for line in read_log(models)] == ["promoted", "refused"]
    again = retrain()
    assert (again.exit_code, "was refused" in json.loads(again.stdout)["why"]) == (0, True)
    quickly()
    assert json.loads(retrain("--anew").stdout)["model"] == "mine/0.2.2", "its version is never given again"


def test_a_refused_challenger_can_be_kept(retrain, models, quickly):
    quickly(confused=True)

    assert retrain("--keep-refused").exit_code == 4
    assert sorted(path.name for path in (models / "mine").iterdir()) == ["0.2.0", "0.2.1"]


def test_a_changed_evaluation_set_is_refused_before_anything_is_trained(retrain, evaluation, models):
    table = (evaluation / "labels.csv").read_text().splitlines()
    (evaluation / "labels.csv").write_text("\n".join(table[:-1]) + "\n")
    done = retrain()

    assert (done.exit_code, "--new-evaluation-set" in done.stderr) == (4, True)
    assert [path.name for path in (models / "mine").iterdir()] == ["0.2.0"]


def test_a_frame_of_the_evaluation_set_that_cannot_be_read_ends_with_3(retrain, evaluation, quickly, models):
    quickly()
    (evaluation / "SAXS_0.tif").write_bytes(b"no picture")
    done = retrain("--new-evaluation-set")

    assert done.exit_code == 3, done.output
    assert json.loads(done.stdout)["errors"]
    assert [path.name for path in (models / "mine").iterdir()] == ["0.2.0"]


def test_too_few_groups_are_said(retrain, labelled, models):
    table = (labelled / "labels.csv").read_text()
    (labelled / "labels.csv").write_text(re.sub("site [0-9]", "site 1", table))
    done = retrain()

    assert (done.exit_code, "1 groups cannot be shared out among 2 folds" in done.stderr) == (2, True)


def test_without_a_champion_there_is_no_recipe(tmp_path, labelled):
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(
        app, ["retrain", "--labels", str(labelled / "labels.csv"), "--models", str(tmp_path / "empty")]
    )

    assert (done.exit_code, "camsortxs models promote" in done.stderr) == (2, True)
