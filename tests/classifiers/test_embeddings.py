import json
import pickle
import shutil

import numpy as np
import pytest
from classifiers.bundles import figures, make_dataset, make_trained

from camsortxs.classifiers.bundle import SEAL, load_bundle
from camsortxs.classifiers.embeddings import (
    GRAPH,
    MANIFEST,
    OnnxEmbedding,
    chain_of,
    chain_with,
    load_embedding,
    shipped_embedding,
)
from camsortxs.errors import ModelError
from camsortxs.features import deep, lenet
from camsortxs.features.chain import Chain
from camsortxs.features.embedding import PICTURE_SIDE
from camsortxs.offline.export import export

NAMES = (lenet.NAME, *deep.FAMILIES)
REPRESENTATIONS = ("histogram.statistics", "lenet.dense")


@pytest.fixture(scope="module")
def shipped():
    return shipped_embedding("lenet")


@pytest.fixture
def folder(shipped, tmp_path):
    folder = tmp_path / "lenet" / "0.1.0"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(shipped.manifest.model_dump_json())
    (folder / GRAPH).write_bytes(shipped.graph)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle that looks through the shipped LeNet."""
    chain = chain_with(REPRESENTATIONS)
    dataset = make_dataset(features=chain.names)
    trained = make_trained(dataset)
    folder = tmp_path_factory.mktemp("models") / "tiny" / "0.1.0"
    export(
        trained,
        dataset,
        chain,
        folder=folder,
        description="four clouds",
        held_out=make_dataset(40, features=chain.names).values[::-1].copy(),
        metrics=figures(dataset, trained),
        command="camsortxs train",
    )
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_each_family_is_shipped_and_says_what_it_is(name):
    embedding = shipped_embedding(name)
    manifest = embedding.manifest

    assert (manifest.name, manifest.licence) == (name, "BSD-3-Clause")
    assert manifest.numbers == (lenet.DENSE if name == lenet.NAME else deep.NUMBERS)
    assert manifest.metrics["held_out"]["by_frame"]["accuracy"]["value"] > 0.5
    assert not set(manifest.metrics["held_out_groups"]) & {""}
    assert manifest.metrics["onnx_difference"] < 1e-4


def test_all_that_is_shipped_is_small():
    assert sum(len(shipped_embedding(name).graph) for name in NAMES) < 16_000_000


def test_the_head_is_the_softmax_of_scores_that_the_weights_are_derivatives_of(rng):
    """Where classes are linear in the mean of the map, weights x map sums to the scores, but for the bias."""
    embedding = shipped_embedding("mobilenet_025")
    pictures = rng.random((2, PICTURE_SIDE, PICTURE_SIDE)).astype(np.float32)
    first, second = (embedding.look(picture) for picture in pictures)

    def scores(seen):
        return np.einsum("hwk,ck->c", seen.map, seen.weights)

    said = np.log(first.probabilities) - np.log(second.probabilities)
    assert np.allclose(first.map.mean(axis=(0, 1)), first.numbers, atol=1e-5)
    assert np.allclose(np.diff(scores(first) - scores(second)), np.diff(said), atol=1e-4)


def test_one_byte_changed_is_refused(folder):
    contents = bytearray((folder / GRAPH).read_bytes())
    contents[len(contents) // 2] ^= 1
    (folder / GRAPH).write_bytes(bytes(contents))

    with pytest.raises(ModelError, match=r"lenet 0\.1\.0 was changed.*Restore the file"):
        load_embedding(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 64}, "other pictures or classes"),
        ({"standard": 99}, "other pictures or classes"),
        ({"classes": ["WAXS", "SAXS", "GISAXS", "GIWAXS"]}, "other pictures or classes"),
        ({"numbers": 3}, "not what its manifest says"),
        ({"map": [1, 2, 3]}, "not what its manifest says"),
        ({"sha256": "0" * 64}, "was changed"),
        ({"sha256": "short"}, "sha256"),
        ({"format": 2}, "format"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, changes, message):
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    with pytest.raises(ModelError, match=message):
        load_embedding(folder)


@pytest.mark.parametrize("name", [MANIFEST, GRAPH])
def test_a_missing_file_says_what_to_do(folder, name):
    (folder / name).unlink()

    with pytest.raises(ModelError, match=rf"no embedding.*{name}.*train-embedding"):
        load_embedding(folder)


def test_a_graph_that_is_another_is_refused(bundle, shipped):
    """Its hash is right, what it takes and returns is not."""
    import hashlib

    graph = (bundle / "classifier.onnx").read_bytes()
    manifest = shipped.manifest.model_copy(update={"sha256": hashlib.sha256(graph).hexdigest()})

    with pytest.raises(ModelError, match="does not take a picture and return"):
        OnnxEmbedding(manifest, graph)


def test_it_travels_to_another_process(shipped, rng):
    picture = rng.random((PICTURE_SIDE, PICTURE_SIDE)).astype(np.float32)
    copy = pickle.loads(pickle.dumps(shipped))

    assert np.array_equal(copy.look(picture).numbers, shipped.look(picture).numbers)


def test_a_bundle_carries_what_its_features_look_through(bundle, shipped, make_frame):
    loaded = load_bundle(bundle)
    chain = chain_of(loaded)

    assert {path.name for path in (bundle / "embeddings" / "lenet").iterdir()} == {MANIFEST, GRAPH}
    assert chain.digest == loaded.manifest.features.digest
    assert chain.spec["representations"][1] == ["lenet.dense", 1, shipped.sha256]
    frame = make_frame()
    shipped = chain_with(REPRESENTATIONS).featurize([frame]).values
    assert np.array_equal(chain.featurize([frame]).values, shipped)


def test_a_bundle_whose_embedding_was_changed_is_refused(bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    graph = copy / "embeddings" / "lenet" / GRAPH
    graph.write_bytes(graph.read_bytes() + b"\0")

    with pytest.raises(ModelError, match=r"embedding\.onnx was changed"):
        load_bundle(copy)


def test_a_bundle_without_its_embedding_is_refused(bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    manifest = json.loads((copy / "model.json").read_text())
    manifest["files"] = [file for file in manifest["files"] if not file["role"].startswith("embedding:")]
    (copy / "model.json").write_text(json.dumps(manifest))
    (copy / SEAL).unlink()

    with pytest.raises(ModelError, match=r"lenet\.dense cannot be computed without an embedding"):
        chain_of(load_bundle(copy))


def test_an_embedding_that_nothing_looks_through_is_refused(shipped):
    with pytest.raises(ModelError, match="no representation looks through lenet"):
        chain_with(["glcm.d1"], [shipped])


def test_unknown_names_are_refused():
    with pytest.raises(ModelError, match="no embedding nasnet"):
        shipped_embedding("nasnet")
    with pytest.raises(ModelError, match="unknown representations"):
        chain_with(["deep.nasnet"])


def test_a_chain_without_embeddings_has_the_digest_that_it_always_had():
    assert Chain(["glcm.d1", "glcm.d2"]).spec["representations"] == [["glcm.d1", 1], ["glcm.d2", 1]]
