import csv
import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.nxfile import PARAMETERS
from camsortxs.cli import app
from camsortxs.simulate import draw


def test_what_is_written_is_read_back_with_its_truth(tmp_path):
    out = tmp_path / "frames"
    result = CliRunner().invoke(
        app, ["simulate", "--count", "4", "--shape", "90x80", "--out", str(out), "--contact-sheet"]
    )
    assert result.exit_code == 0, result.output

    with (out / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert [row["technique"] for row in rows] == ["SAXS", "WAXS", "GISAXS", "GIWAXS"]
    for row in rows:
        place = f"{out / row['file']}::{row['hdf5_dataset']}[{row['frame_index']}]"
        (frame,) = [f for batch in FolderFrames([place]).batches() for f in batch.frames]
        drawn = draw(row["technique"], seed=1, index=0, shape=(90, 80))
        assert np.array_equal(frame.image, drawn.image)
        assert frame.geometry.distance == pytest.approx(drawn.geometry.distance)
        assert frame.geometry.beam_centre in (pytest.approx(drawn.geometry.beam_centre), None)
    assert (out / "contact-sheet.png").stat().st_size > 10_000


def test_a_folder_that_cannot_be_is_explained(tmp_path):
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["simulate", "--count", "1", "--out", str(tmp_path / "file" / "frames")])

    assert result.exit_code == 2
    assert "Cannot write" in result.stderr


@pytest.mark.parametrize("shape", ["big", "10x10", "100", "100000x100000"])
def test_a_shape_that_is_none_is_explained(tmp_path, shape):
    result = CliRunner().invoke(app, ["simulate", "--shape", shape, "--out", str(tmp_path)])

    assert result.exit_code == 2


def test_frames_of_a_kind_share_a_file_and_keep_their_own_parameters(tmp_path):
    result = CliRunner().invoke(
        app, ["simulate", "--technique", "GISAXS", "--count", "3", "--shape", "90x80", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output

    stacks = sorted(path.name.split("_")[2] for path in tmp_path.glob("*.h5"))
    with (tmp_path / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(stacks) == len(set(stacks)) <= 2  # one a type of number
    for index, row in enumerate(rows):
        with h5py.File(tmp_path / row["file"]) as file:
            known = json.loads(file[PARAMETERS].asstr()[int(row["frame_index"])])
        drawn = draw("GISAXS", seed=1, index=index, shape=(90, 80))
        assert known["index"] == index
        assert known["incidence"] == pytest.approx(drawn.geometry.incidence_angle)
        assert {"GISAXS.sample", "stop", "counts", "detector", "halo"} <= known.keys()
