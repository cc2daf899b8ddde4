import shlex

import pytest
import typer
from typer.testing import CliRunner

from camsortxs.cli.data_options import DataOptions
from camsortxs.cli.sources import Archive, DrawnFrames, FolderTable
from camsortxs.cli.with_data import with_data
from camsortxs.errors import ModelError


def parsed(*words, **defaults):
    """Return the options as a command gets them."""
    given = []

    @with_data(**defaults)
    def command(data: DataOptions, out: str = "") -> None:
        """Do something."""
        given.append(data)

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return given[0]


@pytest.fixture
def tables(tmp_path):
    paths = [tmp_path / name / "labels.csv" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_text("file,technique,source\n")
    return paths


def test_a_command_has_them_all_with_its_own_defaults():
    assert parsed() == DataOptions()
    assert parsed(simulated=0, nothing=7).nothing == 7
    assert parsed("--simulated", 12, simulated=0).simulated == 12


def test_they_name_the_sources_in_order(tables):
    data = parsed("--simulated", 8, "--nothing", 5, "--labels", tables[0], "--labels", tables[1], "--seed", 9)

    techniques, nothing, *folders = data.sources()
    assert techniques == DrawnFrames(kinds=("SAXS", "WAXS", "GISAXS", "GIWAXS"), number=8, seed=9)
    assert nothing.kinds[0] == "dark"
    assert nothing.number == 5
    assert folders == [FolderTable(labels=table, folder=table.parent) for table in tables]


def test_files_may_lie_elsewhere_than_their_table(tables, tmp_path):
    one, two = (tmp_path / name for name in ("x", "y"))
    words = [
        word for pair in zip((one, two), tables, strict=True) for word in ("--frames", pair[0], "--labels", pair[1])
    ]
    folders = parsed("--simulated", 0, *words).sources()

    assert [source.folder for source in folders] == [one, two]
    with pytest.raises(ModelError, match="1 --frames for 2 --labels"):
        DataOptions(labels=tables, frames=[one]).sources()


def test_an_archive_is_asked_what_the_options_say(tmp_path):
    key = tmp_path / "key"
    key.write_text("secret\n")
    words = ["--query", "plan_name=count", "--query", "scan_id=12", "--label-key", "technique", "--per-run", 5]
    data = parsed("--simulated", 0, "--tiled", "http://127.0.0.1:9", "--api-key-file", key, *words)

    (archive,) = data.sources()
    assert isinstance(archive, Archive)
    assert archive.query == {"plan_name": "count", "scan_id": 12}
    assert (archive.label_key, archive.per_run) == ("technique", 5)
    assert archive.catalogue.api_key.get_secret_value() == "secret"
    with pytest.raises(ModelError, match="KEY=VALUE"):
        DataOptions(tiled="http://127.0.0.1:9", query=["plan_name"]).sources()


def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(ModelError, match="give --simulated, --labels or --tiled"):
        DataOptions(simulated=0).sources()


def test_what_is_spelt_is_the_same_data_and_no_secret(tables):
    words = ["--simulated", 8, "--labels", tables[0], "--copies", 2, "--query", "a=b c", "--processes", 3]
    data = parsed(*words, "--tiled", "http://127.0.0.1:9?api_key=secret", "--cache", tables[0])

    spelt = data.spelt()

    line = shlex.join(spelt)
    assert line == (
        "--simulated 8 --seed 1 --labels one/labels.csv --tiled http://127.0.0.1:9 --query 'a=b c' --copies 2"
    )
