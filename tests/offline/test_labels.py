import pytest

from camsortxs.errors import FrameError
from camsortxs.offline.labels import read_labels
from camsortxs.techniques import Technique

HEAD = "file,technique,source\n"


def test_labels_name_frames_as_the_command_line_does(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,technique,source,hdf5_dataset,frame_index\n"
        "a.tif,SAXS,one,,\nb.h5,GIWAXS,two,entry/data,3\nc.h5,WAXS,two,data,\nd.tif,SAXS,two,,2\n"
    )
    labels = read_labels(table, tmp_path / "frames")

    below = str(tmp_path / "frames")
    assert [label.reference for label in labels] == [
        f"{below}/a.tif",
        f"{below}/b.h5::entry/data[3]",
        f"{below}/c.h5::data",
        f"{below}/d.tif::[2]",
    ]
    assert [label.group for label in labels] == ["one", "two", "two", "two"]
    assert labels[1].technique is Technique.GIWAXS


def test_labels_as_people_and_spreadsheets_write_them(tmp_path):
    (tmp_path / "labels.csv").write_bytes(f"\ufeff{HEAD}a,giwaxs ,x\r\nb,No_Signal,x\r\n".encode())

    assert [label.technique for label in read_labels(tmp_path / "labels.csv", tmp_path)] == [Technique.GIWAXS, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,technique\na,SAXS\n", "no column source"),
        ("file;technique;source\na;SAXS;b\n", "no column file.*commas"),
        ("", "no column"),
        (HEAD, "no row"),
        (f"{HEAD}a,USAXS,b\n", "line 2.*'USAXS' is none of SAXS, WAXS, GISAXS, GIWAXS, no_signal"),
        ("file,technique,source,frame_index\na,SAXS,b,x\n", "line 2"),
        (f"{HEAD},SAXS,b\n", "line 2: no file"),
        (f"{HEAD}.,SAXS,b\n", "line 2: . is a folder"),
        (f"{HEAD}a,SAXS,b\na,WAXS,b\n", "line 3: .*a for the second time"),
        (f"{HEAD}\xfcber,SAXS,b\n", "UTF-8"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text, encoding="latin-1")

    with pytest.raises(FrameError, match=message):
        read_labels(tmp_path / "labels.csv", tmp_path)
