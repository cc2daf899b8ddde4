import numpy as np
import pytest

from camsortxs.errors import FrameError
from camsortxs.offline.dataset import Dataset, LabelledFrame, read_labels, tabulate
from camsortxs.techniques import Technique
from camsortxs.testing import TinyFeaturizer


def test_labels_name_frames_as_the_command_line_does(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,technique,source,hdf5_dataset,frame_index\n"
        "a.tif,SAXS,one,,\nb.h5,GIWAXS,two,entry/data,3\nc.h5,WAXS,two,data,\n"
    )
    labels = read_labels(table, tmp_path / "frames")

    below = str(tmp_path / "frames")
    assert [label.reference for label in labels] == [
        f"{below}/a.tif",
        f"{below}/b.h5::entry/data[3]",
        f"{below}/c.h5::data",
    ]
    assert [label.group for label in labels] == ["one", "two", "two"]
    assert labels[1].technique is Technique.GIWAXS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,technique\na,SAXS\n", "no column source"),
        ("", "no column"),
        ("file,technique,source\na,USAXS,b\n", "line 2.*USAXS"),
        ("file,technique,source,frame_index\na,SAXS,b,x\n", "line 2"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text)

    with pytest.raises(FrameError, match=message):
        read_labels(tmp_path / "labels.csv", tmp_path)


def test_a_table_of_features_keeps_the_order(make_frame):
    labelled = [
        LabelledFrame(frame=make_frame(i, grazing=i == 1), technique=technique, group=f"g{i}")
        for i, technique in enumerate([Technique.SAXS, Technique.GISAXS])
    ]
    dataset = tabulate(iter(labelled), TinyFeaturizer())

    assert dataset.labels.tolist() == [0, 2]
    assert dataset.groups.tolist() == ["g0", "g1"]
    assert np.array_equal(dataset.values[1:], TinyFeaturizer().featurize([labelled[1].frame]).values)


def test_the_digest_follows_every_part():
    def dataset(value=1.0, label=0, group="a"):
        return Dataset(
            names=("x",), values=np.array([[value]], np.float32), labels=np.array([label]), groups=np.array([group])
        )

    assert dataset().digest == dataset().digest
    assert len({d.digest for d in (dataset(), dataset(value=2.0), dataset(label=1), dataset(group="b"))}) == 4
