import numpy as np
import pytest
from classifiers.bundles import REPRESENTATIONS, figures, make_dataset, write_bundle

from camsortxs.classifiers.bundle import load_bundle
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.offline.export import export
from camsortxs.offline.recipe import Recipe, apart_from, next_version, recipe_of
from camsortxs.offline.train import Options, train

QUICK = Options(trees=10, folds=2, inner=2)


@pytest.fixture
def manifest(tmp_path):
    return load_bundle(write_bundle(tmp_path)).manifest


def test_a_bundle_says_how_it_was_made(manifest):
    assert recipe_of(manifest) == Recipe(representations=REPRESENTATIONS, classifiers=("et",))
    before = manifest.model_copy(update={"classifiers": ()})  # bundles of version 0.2 do not say
    assert recipe_of(before).classifiers == ("et",)


def test_what_nobody_can_train_is_said(manifest):
    with pytest.raises(ModelError, match="made by Oracle"):
        recipe_of(manifest.model_copy(update={"classifiers": ("Oracle",)}))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # from the converters
def test_several_vote_and_are_exported_as_one(tmp_path):
    dataset = make_dataset(160)
    trained = train(dataset, ("et", "lightgbm"), QUICK)
    folder = tmp_path / "vote" / "0.1.0"
    export(
        trained,
        dataset,
        Chain(REPRESENTATIONS),
        folder=folder,
        description="four clouds",
        held_out=dataset.values[:40],
        metrics=figures(dataset, trained),
        command="none",
    )

    assert trained.name == "et+lightgbm"
    assert (trained.out_of_fold.argmax(axis=1) == dataset.labels).mean() > 0.7
    manifest = load_bundle(folder).manifest
    assert manifest.estimator == "SoftVote(ExtraTreesClassifier, LGBMClassifier)"
    assert recipe_of(manifest).classifiers == ("et", "lightgbm")
    assert manifest.metrics["onnx_difference"] < 1e-5


def test_answers_out_of_fold_are_by_models_that_never_saw_the_group():
    """In a group of its own, frames that are told a wrong name cannot be learnt by heart."""
    dataset = make_dataset(160)
    lied = dataset.groups == "g3"
    dataset.targets[lied] = np.roll(dataset.targets[lied], 1, axis=1)
    trained = train(dataset, ("et", "rf"), QUICK)

    assert (trained.out_of_fold[lied].argmax(axis=1) == dataset.labels[lied]).mean() < 0.4


@pytest.mark.parametrize(
    ("versions", "following"), [([], "0.1.0"), (["0.9.9", "0.10.0"], "0.10.1"), (["1.0.0", "0.9.0"], "1.0.1")]
)
def test_versions_are_counted_not_spelt(versions, following):
    assert next_version(versions) == following


def test_groups_to_be_judged_on_are_not_learnt_from():
    dataset = apart_from(make_dataset(), ["g1", "g2", "elsewhere"])

    assert set(dataset.groups) == {f"g{i}" for i in (0, *range(3, 10))}
    assert len(dataset.values) == 64
