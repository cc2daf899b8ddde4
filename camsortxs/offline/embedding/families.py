"""The networks by name. The body is the family's; all but LeNet end alike, so that Grad-CAM needs no gradient."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from camsortxs.errors import ModelError
from camsortxs.features import deep, lenet
from camsortxs.features.embedding import PICTURE_SIDE
from camsortxs.offline.embedding.backend import keras
from camsortxs.techniques import TECHNIQUES

FAMILIES = (lenet.NAME, *deep.FAMILIES)
IMAGENET = ("mobilenet_025", "mobilenet_v2_035", "mobilenet_v3_small_075")
"""The families whose widths Keras has ImageNet weights for."""

_DIVISOR = 4  # of the channels of ResNet50V2
_MOMENTUM = 0.9  # of batch normalisation, not 0.99 and more: some hundred steps must do to know the means


def check(family: str, weights: str | None) -> None:
    """Refuse what `build` cannot build, before any time is spent on it.

    Raises
    ------
    ModelError
        When the family is unknown, or there are no such weights.
    """
    if family not in FAMILIES:
        raise ModelError(f"no family {family}: there are {', '.join(FAMILIES)}")
    if weights not in (None, "imagenet") or (weights and family not in IMAGENET):
        raise ModelError(f"there are no {weights} weights for {family}, only imagenet's for {', '.join(IMAGENET)}")


def build(family: str, *, weights: str | None = None) -> Any:
    """Return the Keras model of a family, (batch, 128, 128, 1) in [0, 1] to (batch, 4) probabilities.

    Its layers `map` (last convolutional map), `embedding` (what a featurizer returns) and `scores` (before softmax) are
    found by name. `weights` is None (drawn at random) or `imagenet`.

    Raises
    ------
    ModelError
        As of `check`, and when the weights cannot be fetched.
    """
    check(family, weights)
    layers = keras().layers
    picture = keras().Input((PICTURE_SIDE, PICTURE_SIDE, 1), name="picture")
    scaled = layers.Rescaling(2.0, -1.0, name="scaled")(picture)
    embedding = _lenet(scaled) if family == lenet.NAME else _pooled(_body(family, scaled, weights))
    scores = layers.Dense(len(TECHNIQUES), name="scores")(embedding)
    return keras().Model(picture, layers.Softmax(name="probabilities")(scores), name=family)


def _lenet(scaled: Any) -> Any:
    """Return LeCun's net but for rectifiers, and areas of 4 x 4 averaged where his 32 x 32 pixels needed 2 x 2."""
    layers = keras().layers
    first = layers.Conv2D(6, 5, padding="same", activation="relu", name="c1")(scaled)
    first = layers.AveragePooling2D(4, name="s2")(first)
    last = layers.Conv2D(lenet.CHANNELS, 5, padding="same", activation="relu", name="map")(first)
    flat = layers.Flatten(name="flat")(layers.AveragePooling2D(4, name="s4")(last))
    dense = layers.Dense(120, activation="relu", name="c5")(flat)
    return layers.Dense(lenet.DENSE, activation="relu", name="embedding")(dense)


def _pooled(body: Any) -> Any:
    """End in a map of 64 channels and its mean: what the classes are told by is linear in that map.

    Normalised before it is rectified: without, most of the channels of some families were never above zero.
    """
    layers = keras().layers
    last = layers.Conv2D(deep.NUMBERS, 1, use_bias=False, name="last")(body)
    last = layers.BatchNormalization(momentum=_MOMENTUM, name="normalised")(last)
    return layers.GlobalAveragePooling2D(name="embedding")(layers.ReLU(name="map")(last))


def _body(family: str, scaled: Any, weights: str | None) -> Any:
    channels = 1 if weights is None else 3
    shape = (PICTURE_SIDE, PICTURE_SIDE, channels)
    if channels == 3:
        scaled = keras().layers.Concatenate(name="colours")([scaled] * channels)
    try:
        body = _BODIES[family](include_top=False, weights=weights, input_shape=shape)
    except Exception as error:
        if weights is None or "URL fetch failure" not in str(error):
            raise
        raise ModelError(f"the {weights} weights cannot be fetched from here ({error}): leave out --weights") from error
    for layer in body.layers:
        if isinstance(layer, keras().layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return body(scaled)


def _mobilenet(**options: Any) -> Any:
    return keras().applications.MobileNet(alpha=0.25, **options)


def _mobilenet_v2(**options: Any) -> Any:
    return keras().applications.MobileNetV2(alpha=0.35, **options)


def _mobilenet_v3_small(**options: Any) -> Any:
    return keras().applications.MobileNetV3Small(alpha=0.75, include_preprocessing=False, **options)


def _efficientnet_v2_b0(**options: Any) -> Any:
    keras()
    from keras.src.applications.efficientnet_v2 import EfficientNetV2  # what EfficientNetV2B0 calls; it is not exported

    return EfficientNetV2(
        0.25,
        1.0,
        PICTURE_SIDE,
        drop_connect_rate=0.0,
        name="efficientnetv2-b0",
        weights_name="b0",
        include_preprocessing=False,
        **options,
    )


def _densenet21(**options: Any) -> Any:
    keras()
    from keras.src.applications.densenet import DenseNet

    return DenseNet([1, 2, 3, 2], **options)


def _resnet50_v2(**options: Any) -> Any:
    keras()
    from keras.src.applications.resnet import ResNet, stack_residual_blocks_v2

    def stacks(x: Any) -> Any:
        x = stack_residual_blocks_v2(x, 64 // _DIVISOR, 3, name="conv2")
        x = stack_residual_blocks_v2(x, 128 // _DIVISOR, 4, name="conv3")
        x = stack_residual_blocks_v2(x, 256 // _DIVISOR, 6, name="conv4")
        return stack_residual_blocks_v2(x, 512 // _DIVISOR, 3, stride1=1, name="conv5")

    return ResNet(stacks, preact=True, use_bias=True, **options)


_BODIES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    dict(
        zip(
            deep.FAMILIES,
            (_mobilenet, _mobilenet_v2, _mobilenet_v3_small, _efficientnet_v2_b0, _densenet21, _resnet50_v2),
            strict=True,
        )
    )
)
