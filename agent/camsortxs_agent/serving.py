"""The model from the settings: loaded and looked at, at the start and at every reload."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from camsortxs.classifiers.bundle import Bundle, default_models, load_bundle
from camsortxs.classifiers.embeddings import chain_of
from camsortxs.classifiers.golden import FRAMES, check_frames, check_rows
from camsortxs.classifiers.onnx import OnnxClassifier
from camsortxs.classifiers.reference import load_reference
from camsortxs.device.accelerator import accelerator
from camsortxs.device.featurizer import BATCHES, DeviceChain
from camsortxs.drift import Drift, Watched
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.model import Model
from camsortxs_agent.settings import ModelSettings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model that is ready for the first frame, and the `sha256` of the manifest that it came with.

    `drift` hears of all frames that it is asked about; None where the bundle has nothing to compare them with.
    """

    model: Model
    sha256: str = ""
    drift: Drift | None = None


def where(settings: ModelSettings) -> Path:
    """Return the folder of the bundle, or of the models with a pointer, that the settings mean.

    Raises
    ------
    ModelError
        When they name none, and none is shipped.
    """
    return settings.path or default_models()


def load_model(
    settings: ModelSettings, *, meanwhile: Callable[[Chain | DeviceChain], None] = lambda featurizer: None
) -> Loaded:
    """Load the bundle and the features that it was trained on, ready for the first frame.

    `meanwhile` is told of the features before they are compiled here: who compiles them elsewhere need not wait.

    Its golden rows and frames are looked at first, which takes a tenth of a second; features computed on a GPU are not
    held to the golden frames, for that would compile graphs for frames that never come.

    Raises
    ------
    ModelError
        When it is not to be used, or does not give what it gave when it was exported.
    """
    bundle = load_bundle(where(settings))
    if settings.threshold is not None:
        bundle = replace(bundle, manifest=bundle.manifest.model_copy(update={"threshold": settings.threshold}))
    featurizer = _featurizer(bundle, settings.device)
    meanwhile(featurizer)
    featurizer.warm_up()
    classifier = OnnxClassifier(bundle)
    check_rows(bundle, classifier)
    if FRAMES in bundle.files and isinstance(featurizer, Chain):
        check_frames(bundle, featurizer, classifier)
    drift = _drift(bundle, settings)
    model = Model(
        featurizer=featurizer,
        classifier=Watched(classifier, drift) if drift else classifier,
        group=max(BATCHES) if isinstance(featurizer, DeviceChain) else 1,
    )
    return Loaded(model=model, sha256=bundle.sha256, drift=drift)


def _drift(bundle: Bundle, settings: ModelSettings) -> Drift | None:
    reference = load_reference(bundle) if settings.drift_frames else None
    if reference is None:
        return None
    return Drift(reference, window=settings.drift_frames, per_run=settings.drift_frames_a_run)


def _featurizer(bundle: Bundle, device: str) -> Chain | DeviceChain:
    chain = chain_of(bundle)
    gpu = None if device == "cpu" else accelerator()
    if device == "gpu" and gpu is None:
        raise ModelError("model.device is gpu, and Keras finds none here: install a backend with CUDA, or say auto")
    if gpu is None or (chain.embeddings and device == "auto"):
        return chain
    log.info("features_on_gpu", device=gpu)
    return DeviceChain(chain.representations)
