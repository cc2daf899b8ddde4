"""From fitted estimators to one ONNX graph that answers as they do, also on the very borders of their trees."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from camsortxs.errors import ModelError
from camsortxs.offline.slim import slim

TOLERANCE = 1e-5
_OPSET, _TREE_OPSET = 15, 3
_BORDER_ROWS = 512
_LIGHTGBM_ZERO = np.float32(1e-35)  # kZeroThreshold of LightGBM's meta.h: what is not larger is taken for zero


@dataclass(frozen=True, slots=True)
class SoftVote:
    """Several fitted estimators as one: the mean of their probabilities."""

    estimators: tuple[Any, ...]

    @property
    def classes_(self) -> Any:
        """The classes of all of them, in order."""
        return self.estimators[0].classes_

    def predict_proba(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return probabilities (rows, 4) of `values` (rows, features)."""
        each = [np.asarray(one.predict_proba(values), dtype=np.float64) for one in self.estimators]
        mean: npt.NDArray[np.float64] = np.mean(each, axis=0)
        return mean

    def predict(self, values: npt.NDArray[np.float32]) -> Any:
        """Return the most probable class (rows,) of `values` (rows, features)."""
        return np.asarray(self.classes_)[self.predict_proba(values).argmax(axis=1)]


def members(estimator: Any) -> tuple[Any, ...]:
    """Return the estimators that vote: those of a `SoftVote`, those of a sequence, or the one itself."""
    if isinstance(estimator, SoftVote):
        return estimator.estimators
    return tuple(estimator) if isinstance(estimator, Sequence) else (estimator,)


def to_onnx(estimators: Any, features: int) -> bytes:
    """Convert one fitted classifier, or several that vote, on `features` float32 columns.

    The graph takes `features` (rows, features) and returns `probabilities` (rows, 4), the mean of theirs.

    Takes Extra Trees and Random Forest of scikit-learn, LightGBM, XGBoost and CatBoost, in any mixture.
    """
    parts = [_tidied(_convert(one, features), f"vote{place}_") for place, one in enumerate(members(estimators))]
    said = [part.graph.output[-1].name for part in parts]
    nodes = [node for part in parts for node in part.graph.node]
    nodes.append(onnx.helper.make_node("Mean", said, ["probabilities"]))
    number = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "camsortxs",
        [onnx.helper.make_tensor_value_info("features", number, [None, features])],
        [onnx.helper.make_tensor_value_info("probabilities", number, [None, None])],
        [weight for part in parts for weight in part.graph.initializer],
    )
    opsets = [onnx.helper.make_opsetid("", _OPSET), onnx.helper.make_opsetid("ai.onnx.ml", _TREE_OPSET)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="camsortxs")
    onnx.checker.check_model(model)
    contents: bytes = model.SerializeToString()
    return contents


def compare(graph: bytes, estimators: Any, values: npt.NDArray[np.float32]) -> float:
    """Return the largest difference between the probabilities of graph and Python on `values` (rows, features).

    Rows on the borders of the graph's own trees are asked about as well: there a threshold that was rounded the wrong
    way sends a row down another branch, which rows of data seldom show (LightGBM: 2.7e-4 on one row of 1000).

    Raises
    ------
    ModelError
        When a label differs, or a probability by more than `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    values = np.concatenate([values, border_rows(graph, rows=_BORDER_ROWS)])
    converted = np.asarray(session.run(None, {session.get_inputs()[0].name: values})[-1])
    python = SoftVote(members(estimators)).predict_proba(values)
    if converted.shape != python.shape:
        raise ModelError(f"not exported: ONNX returns {converted.shape}, the Python model {python.shape}")
    difference = float(np.abs(converted - python).max())
    # Where two classes tie, rounding may say either.
    said = np.take_along_axis(python, converted.argmax(axis=1)[:, None], axis=1)[:, 0]
    changed = int((said < python.max(axis=1) - TOLERANCE).sum())
    if changed or not difference <= TOLERANCE:
        raise ModelError(
            f"not exported: ONNX and Python differ in {changed} of {len(values)} labels and by up to {difference:.2g}"
        )
    return difference


def border_rows(graph: bytes, *, rows: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return rows (rows, features) whose every value is a threshold of the trees, or a float32 next to one."""
    model = onnx.load_model_from_string(graph)
    features = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    found: list[list[npt.NDArray[np.float32]]] = [[np.zeros(1, np.float32)] for _ in range(features)]
    for node in model.graph.node:
        if node.op_type != "TreeEnsembleClassifier":
            continue
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        splits = np.array(given["nodes_modes"]) != b"LEAF"
        place = np.array(given["nodes_featureids"])[splits]
        threshold = np.array(given["nodes_values"], dtype=np.float32)[splits]
        for feature in np.unique(place):
            found[feature].append(threshold[place == feature])
    rng = np.random.default_rng(seed)
    result = np.zeros((rows, features), dtype=np.float32)
    for feature, thresholds in enumerate(found):
        at = rng.choice(np.concatenate(thresholds), rows)
        towards = rng.choice(np.array([-np.inf, 0.0, np.inf], dtype=np.float32), rows)
        result[:, feature] = np.where(towards == 0, at, np.nextafter(at, towards))
    return result


def _convert(estimator: Any, features: int) -> onnx.ModelProto:
    made_by = {base.__module__.partition(".")[0] for base in type(estimator).__mro__}  # pycaret wraps CatBoost
    if "catboost" in made_by:
        return _catboost(estimator)
    if "lightgbm" in made_by or "xgboost" in made_by:
        from onnxmltools import convert_lightgbm, convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        kind = [("features", FloatTensorType([None, features]))]
        if "xgboost" in made_by:
            return convert_xgboost(estimator, initial_types=kind, target_opset=_OPSET)
        return convert_lightgbm(_rounded(estimator), initial_types=kind, target_opset=_OPSET, zipmap=False)
    from skl2onnx import to_onnx as convert_sklearn

    sample = np.zeros((1, features), dtype=np.float32)
    return convert_sklearn(estimator, sample, target_opset=_OPSET, options={"zipmap": False})


def _rounded(estimator: Any) -> Any:
    """Return a booster of LightGBM with every threshold rounded down to a float32.

    It splits float32 features at float64 thresholds: `x <= t`. For a float32 x that is the same as x <= the largest
    float32 that is not above t, so nothing is lost; the converter rounds to the nearest float32, which may lie above.
    Its nearest threshold below zero is the one that it takes for zero: a value just there goes right, not left.
    """
    import lightgbm

    def down(line: re.Match[str]) -> str:
        rounded = floor32(np.array(line[1].split(), dtype=np.float64))
        rounded = np.where(rounded == -_LIGHTGBM_ZERO, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return "threshold=" + " ".join(repr(float(x)) for x in rounded)

    text = re.sub(r"^threshold=(.*)$", down, estimator.booster_.model_to_string(), flags=re.MULTILINE)
    # It notes the length of each tree, which is no longer right; without the note it counts anew.
    text = re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE)
    return lightgbm.Booster(model_str=text)


def floor32(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the largest float32 not above each value.

    >>> [bool(x <= 0.1) for x in (np.float64(floor32(np.array([0.1]))[0]), np.float64(np.float32(0.1)))]
    [True, False]
    """
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _catboost(estimator: Any) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "catboost.onnx")
        estimator.save_model(str(path), format="onnx")
        model = onnx.load(path)
    # It wraps the probabilities into a list of dictionaries: take them from before that.
    (trees,) = (node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier")
    del model.graph.output[:], model.graph.node[:]
    model.graph.node.append(trees)
    model.graph.output.append(onnx.helper.make_tensor_value_info(trees.output[1], onnx.TensorProto.FLOAT, None))
    return model


def _tidied(model: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """Keep what leads to the probabilities, without what no answer needs, all names its own but that of the input."""
    name = model.graph.input[0].name
    needed = {model.graph.output[-1].name}
    kept = []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(slim(node))
    del model.graph.node[:], model.graph.output[:-1]
    model.graph.node.extend(reversed(kept))
    model = onnx.compose.add_prefix(model, prefix, rename_inputs=False)
    for node in model.graph.node:
        node.input[:] = ["features" if one == name else one for one in node.input]
    return model
