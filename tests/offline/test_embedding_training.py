"""These train with Keras on TensorFlow, for some seconds."""

import numpy as np
import pytest

from camsortxs.classifiers.bundle import TrainingSet
from camsortxs.classifiers.embeddings import OUTPUTS, load_embedding
from camsortxs.errors import ModelError
from camsortxs.features import deep
from camsortxs.features.embedding import PICTURE_SIDE
from camsortxs.offline.embedding import families
from camsortxs.offline.embedding.backend import keras
from camsortxs.offline.embedding.export import explained, export, to_onnx
from camsortxs.offline.embedding.families import build
from camsortxs.offline.embedding.fit import Options, fit
from camsortxs.offline.embedding.measure import measure, training_set
from camsortxs.offline.embedding.pictures import Pictures, shown


def make_pictures(count: int = 32, seed: int = 0) -> Pictures:
    """Bright quadrants would turn away; four brightnesses stay."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    images = rng.integers(0, 60, (count, PICTURE_SIDE, PICTURE_SIDE)) + 60 * labels[:, None, None]
    return Pictures(images=images.astype(np.uint8), labels=labels, groups=np.array([f"g{i % 8}" for i in range(count)]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A LeNet of two epochs, its epochs and the folder that it was trained in."""
    work = tmp_path_factory.mktemp("work")
    model, epochs = fit(make_pictures(64), make_pictures(seed=1), Options(family="lenet", epochs=3), work=work)
    return model, epochs, work


def test_training_learns_and_returns_the_best(trained):
    model, epochs, _ = trained
    validation = make_pictures(seed=1)
    p = np.asarray(model.predict_on_batch(shown(validation.images)))
    loss = -np.log(p[np.arange(32), validation.labels]).mean()

    assert epochs[0].best
    assert min(epoch.validation_loss for epoch in epochs) == pytest.approx(loss, rel=1e-4)
    assert loss < np.log(4.0)


def test_a_finished_training_is_not_done_again(trained):
    _, epochs, work = trained

    def told(_):
        pytest.fail("trained again")

    assert fit(make_pictures(64), make_pictures(seed=1), Options(family="lenet", epochs=3), work=work, told=told)[
        1
    ] == (epochs)


def test_a_training_that_was_cut_off_goes_on(trained, tmp_path):
    """As it would have gone on: the same epochs as the one that ran through."""
    _, whole, _ = trained
    arguments = (make_pictures(64), make_pictures(seed=1), Options(family="lenet", epochs=3))

    def cut_off(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(*arguments, work=tmp_path, told=cut_off)
    told = []
    _, epochs = fit(*arguments, work=tmp_path, told=told.append)

    assert [epoch.number for epoch in told] == [2, 3]
    losses = [(epoch.validation_loss, other.validation_loss) for epoch, other in zip(epochs, whole, strict=True)]
    assert np.allclose(*zip(*losses, strict=True), rtol=1e-3)


def test_patience_ends_it(tmp_path):
    """Nothing can be learnt about labels that say nothing."""
    learnt, validation = make_pictures(), make_pictures(seed=1)
    validation.images[:] = 0
    options = Options(family="lenet", epochs=20, patience=1, rate=0.02)

    assert len(fit(learnt, validation, options, work=tmp_path)[1]) < 20


def test_a_broken_work_folder_says_what_to_do(tmp_path):
    (tmp_path / "state.json").write_text("{")

    with pytest.raises(ModelError, match=r"not what was written there.*remove"):
        fit(make_pictures(), make_pictures(seed=1), Options(family="lenet"), work=tmp_path)


def test_what_is_written_answers_as_keras_does(trained, tmp_path):
    model, epochs, _ = trained
    apart = make_pictures(seed=2)
    folder = tmp_path / "lenet" / "0.0.1"
    export(
        model,
        apart,
        folder=folder,
        training=training_set(apart, (apart, apart, apart), "brightnesses"),
        metrics=measure(model, apart, epochs),
        weights=None,
    )
    embedding = load_embedding(folder)
    said = [np.asarray(part) for part in explained(model)(shown(apart.images[:1]))]
    seen = embedding.look(shown(apart.images)[0, ..., 0])

    assert {path.name for path in folder.iterdir()} == {"embedding.json", "embedding.onnx"}
    for name, expected in zip(OUTPUTS, said, strict=True):
        assert np.allclose(getattr(seen, name), expected[0], atol=1e-5)
    assert embedding.manifest.metrics["held_out"]["frames"] == 32
    assert embedding.manifest.training.description == "brightnesses: 32 learnt, 32 to stop by, 32 held out to measure"


@pytest.mark.parametrize("family", ["lenet", "mobilenet_025"])
def test_the_weights_are_the_gradients_of_grad_cam(family, rng):
    """Selvaraju et al., eq. 1: the mean over the map of the derivative of a score by it."""
    import tensorflow as tf

    model = build(family)
    pictures = rng.random((3, PICTURE_SIDE, PICTURE_SIDE, 1)).astype(np.float32)
    weights = np.asarray(explained(model)(pictures)[OUTPUTS.index("weights")])
    last = model.get_layer("map")
    after = model.layers[[layer.name for layer in model.layers].index("map") + 1 :]
    image = tf.convert_to_tensor(keras().Model(model.input, last.output)(pictures))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        scores = image
        for layer in after:
            if layer.name != "probabilities":
                scores = layer(scores)
        each = [tf.reduce_sum(scores[:, place]) for place in range(4)]
    expected = np.stack([tape.gradient(score, image).numpy().mean(axis=(1, 2)) for score in each], axis=1)

    assert np.abs(expected).max() > 0
    assert np.allclose(weights, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("family", deep.FAMILIES)
def test_each_family_ends_in_64_channels_and_their_mean(family):
    model = build(family)

    assert model.get_layer("map").output.shape[-1] == deep.NUMBERS
    assert model.get_layer("embedding").output.shape == (None, deep.NUMBERS)
    assert model.count_params() < 2_000_000


def test_families_and_weights_that_are_not_there_are_refused(monkeypatch):
    def cannot_fetch(**_):
        raise Exception("URL fetch failure on https://example.invalid: None")

    with pytest.raises(ModelError, match="no family resnet"):
        build("resnet")
    with pytest.raises(ModelError, match="no imagenet weights for densenet21"):
        build("densenet21", weights="imagenet")
    monkeypatch.setattr(families, "_BODIES", {"mobilenet_025": cannot_fetch})
    with pytest.raises(ModelError, match="cannot be fetched from here"):
        build("mobilenet_025", weights="imagenet")


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras().config, "backend", lambda: "jax")

    with pytest.raises(ModelError, match="KERAS_BACKEND=tensorflow"):
        keras()


def test_nothing_is_written_when_onnx_and_keras_differ(trained, tmp_path, monkeypatch):
    other = to_onnx(explained(build("lenet")))
    monkeypatch.setattr("camsortxs.offline.embedding.export.to_onnx", lambda _: other)
    training = TrainingSet(digest="0" * 64, frames=1, groups=1, description="")

    folder = tmp_path / "lenet" / "0.0.1"
    with pytest.raises(ModelError, match="not exported: ONNX and Keras differ by up to"):
        export(trained[0], make_pictures(), folder=folder, training=training, metrics={}, weights=None)
    assert list(tmp_path.iterdir()) == []
