"""The back-fill against a real Tiled over HTTP, with a bundle of its own."""

import json

import numpy as np
import pytest
from classifiers.bundles import write_bundle
from typer.testing import CliRunner

from camsortxs.cli import app
from camsortxs.simulate import draw


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture
def archive(begin_raw_run, tiled_server, tmp_path, model):
    """Two archived runs nobody has tagged, and the options that reach them."""
    key = tmp_path / "api-key"
    key.write_text(f"{tiled_server.api_key}\n")
    runs = [
        begin_raw_run(frames=np.stack([draw(kind, seed=5, index=i, shape=(200, 180)).image for i in range(2)]))
        for kind in ("GIWAXS", "SAXS")
    ]
    results = f"{begin_raw_run.path}-results"
    options = [
        "--raw-path",
        begin_raw_run.path,
        "--results-path",
        results,
        "--api-key-file",
        str(key),
        "--model",
        str(model),
    ]
    return runs, [tiled_server.uri, *options]


def backfill(*arguments: str):
    return CliRunner().invoke(app, ["backfill", *arguments])


def test_it_tags_what_is_untagged_and_a_second_call_does_nothing(archive, begin_raw_run):
    runs, options = archive

    first = backfill(*options, "--format", "json")
    second = backfill(*options, "--format", "json")

    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert first.exit_code == second.exit_code == 0
    assert [row["run"] for row in rows] == runs
    assert [row["frames"] for row in rows] == [2, 2]
    assert second.stdout == ""
    assert all(begin_raw_run.container[run].metadata["camsortxs"]["by"] == "back-fill" for run in runs)


def test_a_dry_run_says_it_all_and_writes_nothing(archive, begin_raw_run):
    runs, options = archive

    result = backfill(*options, "--dry-run")

    assert result.exit_code == 0
    assert "2 runs would be recovered" in result.stdout
    assert all("camsortxs" not in begin_raw_run.container[run].metadata for run in runs)


def test_the_limit_holds_and_the_next_call_goes_on(archive):
    runs, options = archive

    first = backfill(*options, "--format", "json", "--limit", "1")
    second = backfill(*options, "--format", "json", "--limit", "1")

    assert [json.loads(out.stdout)["run"] for out in (first, second)] == runs


def test_an_archive_out_of_reach_is_explained(monkeypatch, model):
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)

    result = backfill("http://127.0.0.1:9", "--model", str(model))

    assert result.exit_code == 1
    assert "Run the same command again" in result.stderr


def test_a_model_that_cannot_be_used_is_exit_code_2(archive, tmp_path):
    _, options = archive

    result = backfill(*options[:-1], str(tmp_path / "nowhere"))

    assert result.exit_code == 2
    assert "model cannot be used" in result.stderr
