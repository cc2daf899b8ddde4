"""From raw frames to features as one compiled graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from camsortxs.device.representations import REPRESENTATIONS
from camsortxs.device.standard import standardise
from camsortxs.errors import ModelError

Tensor = Any


class FeatureGraph(keras.Model):  # type: ignore[misc]
    """The `representations` named, of a batch of frames; `predict_on_batch` runs it, compiled at the first call.

    Takes `{"images": (B, H, W), "masks": (B, H, W)}`, images of a whole-number type or float32, masks bool and True =
    bad pixel. Returns the values (B, columns) of each representation by its name; with `standards` also the
    standardised frames: `image`, `grey`, `valid` and `decades` of `camsortxs.device.standard.Standards`. Only what is
    asked for is computed, and what several need is computed once.

    It has no weights. Make one for each shape and type of frames: TensorFlow would give up fixed shapes at the second
    one, and cells, windows and padding follow from the shape. TensorFlow and JAX compile it by XLA, PyTorch runs it
    operation by operation (Keras has it so).

    Raises
    ------
    ModelError
        When a name is not among `REPRESENTATIONS`.
    """

    def __init__(self, representations: Sequence[str], *, standards: bool = False) -> None:
        super().__init__(dtype="float32")  # whatever the user's policy: counts do not fit into 16 bits
        if unknown := [name for name in representations if name not in REPRESENTATIONS]:
            raise ModelError(f"representations {unknown} are not computed on the device")
        self._wanted = tuple(representations)
        self._standards = standards
        self.built = True  # or JAX would run the first batch twice, once uncompiled

    def call(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the values by name."""
        images, masks = inputs["images"], inputs["masks"]
        if None in images.shape[1:]:
            raise ModelError(f"a graph is for frames of one shape, not {tuple(images.shape)}: make another")
        standards = standardise(images, masks)
        values = {name: REPRESENTATIONS[name](standards) for name in self._wanted}
        if self._standards:
            values |= {name: getattr(standards, name) for name in ("image", "grey", "valid", "decades")}
        return values
