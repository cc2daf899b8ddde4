import numpy as np
import pytest

from camsortxs.offline.dataset import Dataset, LabelledFrame, tabulate, target_of
from camsortxs.techniques import Technique
from camsortxs.testing import TinyFeaturizer


def test_a_table_of_features_keeps_the_order(make_frame):
    labelled = [
        LabelledFrame(frame=make_frame(i, grazing=i == 1), target=target_of(technique), group=f"g{i}")
        for i, technique in enumerate([Technique.SAXS, Technique.GISAXS])
    ]
    dataset = tabulate(iter(labelled), TinyFeaturizer())

    assert dataset.labels.tolist() == [0, 2]
    assert dataset.groups.tolist() == ["g0", "g1"]
    assert np.array_equal(dataset.values[1:], TinyFeaturizer().featurize([labelled[1].frame]).values)


def test_the_digest_follows_every_part():
    def dataset(value=1.0, label=0, group="a", origin="simulated", name="x"):
        values = np.array([[value]], np.float32)
        return Dataset.certain([name], values, np.array([label]), np.array([group]), origin)

    assert dataset().digest == dataset().digest
    others = [dataset(value=2.0), dataset(label=1), dataset(group="b"), dataset(origin="measured"), dataset(name="y")]
    assert len({d.digest for d in (dataset(), *others)}) == 6


def test_soft_targets_are_learnt_as_shares():
    targets = [target_of(Technique.GISAXS), target_of(Technique.WAXS, 0.75), target_of(None)]
    dataset = Dataset(
        names=("x",),
        values=np.array([[1.0], [2.0], [3.0]], np.float32),
        targets=np.array(targets, np.float32),
        groups=np.array(["a", "b", "c"]),
        origins=np.array(["simulated", "measured", "measured"]),
    )
    values, labels, weights = dataset.hardened(np.array([1.0, 1.0, 2.0]))

    assert dataset.plain.tolist() == [True, False, False]
    assert values[:, 0].tolist() == [1, 2, 2, 3, 3, 3, 3]
    assert labels.tolist() == [2, 0, 1, 0, 1, 2, 3]
    assert weights.tolist() == [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]


def test_rows_and_columns_can_be_taken_and_joined():
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    names = ["radial.profile.a", "radial.profile.b", "radial.profiles.a", "lbp.p8.a"]
    dataset = Dataset.certain(names, values, np.array([0, 3]), np.array(["a", "b"]))

    assert dataset.columns(["lbp.p8", "radial.profile"]).names == ("lbp.p8.a", *names[:2])
    assert dataset.columns(["lbp.p8", "radial.profile"]).values[1].tolist() == [7, 4, 5]
    with pytest.raises(KeyError, match="glcm"):
        dataset.columns(["glcm.d1"])
    joined = Dataset.join([dataset.take(np.array([False, True])), dataset])
    assert (joined.labels.tolist(), joined.groups.tolist()) == ([3, 0, 3], ["b", "a", "b"])
    with pytest.raises(ValueError, match="same features"):
        Dataset.join([dataset, dataset.columns(["lbp.p8"])])
