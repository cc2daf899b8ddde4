from dataclasses import replace

import numpy as np
import pytest
from classifiers.bundles import write_bundle

from camsortxs.classifiers.arrays import packed
from camsortxs.classifiers.bundle import load_bundle
from camsortxs.classifiers.reference import REFERENCE, load_reference, pack, reference_of
from camsortxs.errors import ModelError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(write_bundle(tmp_path_factory.mktemp("models")))


def with_file(bundle, contents):
    return replace(bundle, files={**bundle.files, REFERENCE: contents})


def test_an_exported_bundle_carries_that_of_its_training(bundle):
    reference = load_reference(bundle)

    assert reference.shares.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (np.diff(reference.edges, axis=1) >= 0).all()
    assert (reference.low <= reference.edges[:, 0]).all()
    assert (reference.high >= reference.edges[:, -1]).all()


def test_an_older_bundle_has_none(bundle):
    older = replace(bundle, files={role: file for role, file in bundle.files.items() if role != REFERENCE})

    assert load_reference(older) is None


def test_one_of_other_features_is_refused(bundle, rng):
    other = pack(reference_of(rng.random((50, 3)).astype(np.float32)))

    with pytest.raises(ModelError, match="not that of its"):
        load_reference(with_file(bundle, other))


@pytest.mark.parametrize("contents", [b"", b"PK no archive", packed(edges=np.zeros((3, 9)))])
def test_one_that_cannot_be_read_is_refused(bundle, contents):
    with pytest.raises(ModelError, match="reference"):
        load_reference(with_file(bundle, contents))


def test_pickles_are_refused(bundle):
    with pytest.raises(ModelError, match="cannot be read"):
        load_reference(with_file(bundle, packed(edges=np.array([{}], dtype=object))))
