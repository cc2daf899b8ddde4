import numpy as np
import pytest
from offline.grid.small import small_dataset

from camsortxs.errors import ModelError
from camsortxs.offline.grid.table import Kept, load, save


def test_a_dataset_comes_back_as_it_was(tmp_path):
    dataset = small_dataset()
    save(Kept(dataset=dataset, words="four clouds", options=("--copies", "2")), tmp_path / "new" / "frames.npz")
    kept = load(tmp_path / "new" / "frames.npz")

    assert kept.dataset.digest == dataset.digest
    assert (kept.words, kept.options) == ("four clouds", ("--copies", "2"))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["frames.npz"]


def test_what_is_no_dataset_is_refused(tmp_path):
    path = tmp_path / "frames.npz"
    for spoil in (
        lambda: path.write_bytes(b"PK"),
        lambda: path.write_bytes(b""),
        lambda: np.savez(path, names=np.array(["x"])),
        lambda: np.savez(path, names=np.array([{}], dtype=object)),
        lambda: np.savez(path, names=np.array(["x"]), values=1, targets=1, groups=1, origins=1),
    ):
        spoil()
        with pytest.raises(ModelError, match="holds no dataset"):
            load(path)
