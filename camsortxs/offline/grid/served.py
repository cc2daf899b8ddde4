"""What a fitted classifier costs where it serves: microseconds a frame and bytes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from camsortxs.offline.convert import compare, to_onnx

_ROWS = 200
_WARM = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """`microseconds` for one frame, asked alone on one thread; of ONNX `bytes`, None where `reason` says why not.

    ONNX that answers otherwise than Python counts as none. Without it, the time is that of the Python estimator.
    """

    microseconds: float
    bytes: int | None
    reason: str | None


def served(estimator: Any, values: npt.NDArray[np.float32]) -> Served:
    """Convert a fitted classifier to ONNX and time it on rows of `values`, one by one: the median."""
    values = np.ascontiguousarray(values[np.linspace(0, len(values) - 1, _ROWS).astype(int)])
    try:
        graph = to_onnx(estimator, values.shape[1])
        compare(graph, estimator, values)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - converters raise what they like; the reason is kept and shown
        reason = f"{type(error).__name__}: {str(error).strip() or 'no message'}".splitlines()[0][:200]
        return Served(microseconds=_median(estimator.predict_proba, values[:40]), bytes=None, reason=reason)
    name = session.get_inputs()[0].name
    return Served(
        microseconds=_median(lambda row: session.run(None, {name: row}), values), bytes=len(graph), reason=None
    )


def _median(ask: Callable[[npt.NDArray[np.float32]], Any], values: npt.NDArray[np.float32]) -> float:
    took = []
    for row in [*values[:_WARM], *values]:
        began = time.perf_counter()
        ask(row[None])
        took.append(time.perf_counter() - began)
    return 1e6 * float(np.median(took[_WARM:]))
