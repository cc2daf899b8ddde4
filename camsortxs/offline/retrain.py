"""From labelled frames to a challenger: trained by the champion's recipe or by comparing all classifiers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.classifiers.champion import EvaluationSet, read_log
from camsortxs.classifiers.golden import as_frames
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.offline.dataset import Dataset
from camsortxs.offline.estimators import CLASSIFIERS
from camsortxs.offline.export import export
from camsortxs.offline.judged import out_of_fold_figures
from camsortxs.offline.recipe import Recipe, next_version
from camsortxs.offline.train import Options, train, train_best

_COMPARED = 1000
"""So many rows ONNX and Python are compared on, beside those of the golden frames and of the trees' borders."""


def challenge(
    models: Path,
    name: str,
    dataset: Dataset,
    chain: Chain,
    *,
    recipe: Recipe | None,
    options: Options,
    golden: Sequence[npt.NDArray[np.integer[Any]]],
    description: str,
    command: str,
) -> str:
    """Train on `dataset`, write the next version of `name` into the folder `models`, and return `name/version`.

    Without a `recipe` all five classifiers are compared, and the best is kept. Nothing is written unless ONNX and
    Python agree.

    Raises
    ------
    ModelError
        When nothing can be learnt from so few groups, or ONNX and Python differ.
    """
    try:
        if recipe:
            trained = train(dataset, recipe.classifiers, options)
        else:
            trained = train_best(dataset, CLASSIFIERS, options)
        figures = out_of_fold_figures(dataset, trained)
    except ValueError as error:
        raise ModelError(f"nothing can be trained: {error}") from error
    model = f"{name}/{next_version(_used(models, name))}"
    export(
        trained,
        dataset,
        chain,
        folder=models / model,
        description=description,
        held_out=np.concatenate([chain.featurize(as_frames(golden)).values, dataset.values[:_COMPARED]]),
        metrics=figures,
        command=command,
        golden=golden,
    )
    return model


def judged_before(models: Path, digest: str, evaluation: EvaluationSet) -> str | None:
    """Return how a model of the same training set was judged on the same evaluation set, None where none was.

    A cron job that finds no new label has nothing to do.

    Raises
    ------
    ModelError
        When the log cannot be read.
    """
    for line in reversed(read_log(models)):
        if line.get("training") == digest and (line.get("evaluation") or {}).get("digest") == evaluation.digest:
            return f"{line['model']} learnt from the same frames and was {line['action']} on {line['when'][:10]}"
    return None


def _used(models: Path, name: str) -> list[str]:
    """Return the versions of a model that there are, and those that there were: the log names them for good."""
    there = [path.name for path in models.glob(f"{name}/*/")]
    logged = [line["model"] for line in read_log(models)]
    return [*there, *(model.removeprefix(f"{name}/") for model in logged if model.startswith(f"{name}/"))]
