import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from camsortxs.adapters.folder import FolderFrames
from camsortxs.adapters.nxfile import write_frames
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
        (frame,) = [f for batch in FolderFrames([out / row["file"]]).batches() for f in batch.frames]
        drawn = draw(row["technique"], seed=1, index=0, shape=(90, 80))
        assert np.array_equal(frame.image, drawn.image)
        assert frame.geometry.distance == pytest.approx(drawn.geometry.distance)
        assert frame.geometry.beam_centre in (pytest.approx(drawn.geometry.beam_centre), None)
    assert (out / "contact-sheet.png").stat().st_size > 10_000


@pytest.mark.parametrize("shape", ["big", "10x10", "100"])
def test_a_shape_that_is_none_is_explained(tmp_path, shape):
    result = CliRunner().invoke(app, ["simulate", "--shape", shape, "--out", str(tmp_path)])

    assert result.exit_code == 2


def test_a_file_holds_frames_of_one_shape(tmp_path, make_frame):
    other = make_frame(image=np.ones((50, 50), dtype=np.int32), mask=np.zeros((50, 50), dtype=bool))

    with pytest.raises(ValueError, match="one shape"):
        write_frames(tmp_path / "a.h5", [make_frame(), other])
