"""What a frame costs on its way down the line, beside what it would cost otherwise."""

from collections.abc import Callable
from typing import Any

import numpy as np
from frames import SHAPE
from measure import measure
from skimage.transform import resize

from camsortxs.classifiers.bundle import default_bundle, load_bundle
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.features.chain import Chain
from camsortxs.features.standard import standardise
from camsortxs.masks import bad_pixels
from camsortxs.signal import no_signal
from camsortxs.simulate import draw


def rows() -> list[dict[str, Any]]:
    """Measure the steps on a Pilatus 2M frame."""
    frame = draw("GISAXS", seed=1, shape=SHAPE).frame()
    bundle = load_bundle(default_bundle())
    chain, classifier = Chain(bundle.manifest.features.representations), OnnxClassifier(bundle)
    features = chain.featurize([frame])
    copied: tuple[str, Callable[[], Any]] = ("numpy copy of the frame", frame.image.copy)
    resized = ("skimage.transform.resize(anti_aliasing=True)", lambda: _resize(frame.image))
    return [
        measure("standardise a Pilatus 2M frame", lambda: standardise(frame), *resized),
        measure("standardise it", lambda: standardise(frame), *copied),
        measure("find bad pixels", lambda: bad_pixels(frame.image), *copied),
        measure("check for signal", lambda: no_signal(frame), *copied),
        measure("all features of the shipped model", lambda: chain.featurize([frame]), *copied),
        measure("one prediction by ONNX", lambda: classifier.classify(features), *copied),
    ]


def _resize(image: Any) -> Any:
    return resize(image.astype(np.float32), (256, 225), anti_aliasing=True)
