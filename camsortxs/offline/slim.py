"""Trees without what no answer needs: a third to two thirds of the bytes of a forest."""

from typing import Any

import numpy as np
import onnx

_LEAF = ("class_treeids", "class_nodeids", "class_ids", "class_weights")


def slim(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return a node of trees without hit rates and without weights of zero; any other node as it is.

    A leaf of a forest has a weight for each class, and most of them are zero: they add nothing to a sum.
    """
    if node.op_type != "TreeEnsembleClassifier":
        return node
    given: dict[str, Any] = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    given.pop("nodes_hitrates", None)
    tree, leaf, _, weight = (np.array(given[name]) for name in _LEAF)
    keep = weight != 0
    # Every leaf keeps one weight at least, for one without any would be no leaf.
    first = np.r_[True, (np.diff(tree) != 0) | (np.diff(leaf) != 0)]
    whole = np.maximum.reduceat(keep, np.flatnonzero(first))
    keep |= first & ~whole[np.cumsum(first) - 1]
    for name in _LEAF:
        given[name] = np.array(given[name])[keep]
    return onnx.helper.make_node(
        node.op_type, list(node.input), list(node.output), name=node.name, domain=node.domain, **given
    )
