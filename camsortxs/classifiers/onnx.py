"""A bundle, served by onnxruntime."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

from camsortxs.classifiers.bundle import Bundle
from camsortxs.errors import ModelError
from camsortxs.features.base import Features
from camsortxs.techniques import TECHNIQUES

ROLE = "classifier"
# They share no base class but Exception.
_UNREADABLE = (
    errors.EPFail, errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf,
    errors.NotImplemented, errors.RuntimeException, RuntimeError,
)  # fmt: skip
_FLOOR = 1e-4  # trees say 0 for what they never saw; the logarithm needs more, and so does honesty


class OnnxClassifier:
    """The classifier of a bundle: the ONNX graph, then the temperature of the manifest.

    Runs on CUDA where onnxruntime offers it, else on `threads` CPU threads.

    Raises
    ------
    ModelError
        When the graph cannot be read or does not take and return what the manifest says.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        manifest = bundle.manifest
        if ROLE not in bundle.files:
            raise ModelError(f"{bundle.folder} holds no {ROLE}: export the model again")
        offered = onnxruntime.get_available_providers()
        providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in offered]
        self._session = open_session(
            bundle.files[ROLE], f"the {ROLE} of {bundle.folder}", threads=threads, providers=providers
        )
        self._manifest = manifest
        self._input = self._session.get_inputs()[0]
        wanted = len(manifest.features.names)
        if self._input.shape[-1] != wanted:
            raise ModelError(f"{bundle.folder}: the {ROLE} takes {self._input.shape} values, the manifest {wanted}")
        self.classify(Features(keys=(), names=manifest.features.names, values=np.zeros((0, wanted), np.float32)))

    @property
    def reference(self) -> str:
        """`name@version` of the bundle."""
        return self._manifest.reference

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features that it was trained on, in order."""
        return self._manifest.features.names

    @property
    def feature_digest(self) -> str:
        """The digest of the feature spec that it was trained on."""
        return self._manifest.features.digest

    @property
    def threshold(self) -> float:
        """The calibrated probability below which an answer is not stood by."""
        return self._manifest.threshold

    def classify(self, features: Features) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities (batch, 4), each row summing to one.

        Raises
        ------
        ModelError
            When the graph does not return four probabilities a row.
        """
        outputs = self._session.run(None, {self._input.name: features.values})
        p = np.asarray(outputs[-1])
        if p.shape != (len(features.keys), len(TECHNIQUES)) or p.dtype.kind != "f":
            raise ModelError(f"{self.reference}: the {ROLE} returned {p.dtype} {p.shape}, not (batch, 4)")
        return calibrate(p, self._manifest.temperature)


def open_session(
    graph: bytes, what: str, *, threads: int = 1, providers: Sequence[str] = ("CPUExecutionProvider",)
) -> Any:
    """Return an onnxruntime session of a graph, quiet, on `threads` CPU threads.

    Raises
    ------
    ModelError
        When the graph cannot be read; it is called `what`.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=list(providers))
    except _UNREADABLE as error:
        raise ModelError(f"onnxruntime cannot load {what} ({error})") from error


def calibrate(probabilities: npt.NDArray[np.floating[Any]], temperature: float) -> npt.NDArray[np.float32]:
    """Divide the log-probabilities (batch, 4) by `temperature` and normalise.

    Source: C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (temperature scaling).

    >>> calibrate(np.array([[0.5, 0.3, 0.1, 0.1]]), 1.0).round(3).tolist()
    [[0.5, 0.30000001192092896, 0.10000000149011612, 0.10000000149011612]]
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _FLOOR)) / temperature
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    calibrated: npt.NDArray[np.float32] = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    return calibrated
