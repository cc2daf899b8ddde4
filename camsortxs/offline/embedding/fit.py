"""The training itself: epoch by epoch, stopped by a validation set, taken up again where it was cut off."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.errors import ModelError
from camsortxs.offline.embedding import families
from camsortxs.offline.embedding.backend import keras
from camsortxs.offline.embedding.pictures import Pictures, batches, shown, targets

_STATE, _LAST, _BEST = "state.json", "last.keras", "best.weights.h5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to train. `patience` epochs without a smaller validation loss end it; `weights` is None or `imagenet`."""

    family: str
    epochs: int = 10
    patience: int = 3
    batch: int = 32
    rate: float = 2e-3
    seed: int = 1
    weights: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """How far the training is: losses are mean cross-entropies, `best` says whether this is the best so far."""

    number: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    best: bool
    seconds: float


def fit(
    learnt: Pictures,
    validation: Pictures,
    options: Options,
    *,
    work: Path,
    step: Callable[[int, int], None] = lambda _done, _all: None,
    told: Callable[[Epoch], None] = lambda _: None,
) -> tuple[Any, list[Epoch]]:
    """Return the Keras model with the smallest validation loss, and the epochs.

    After each epoch the model (with its optimiser) lies in the folder `work`; a training of the same options on the
    same pictures goes on from there. `step` is told of each batch, `told` of each epoch.

    Raises
    ------
    ModelError
        When the family or its weights are not to be had.
    """
    module = keras()
    module.utils.set_random_seed(options.seed)
    work.mkdir(parents=True, exist_ok=True)
    network = hashlib.sha256(Path(families.__file__).read_bytes()).hexdigest()
    identity = {
        "options": repr(options),
        "network": network,
        "learnt": learnt.digest,
        "validation": validation.digest,
    }
    steps = -(-len(learnt.labels) // options.batch)
    epochs = _taken_up(work, identity)
    if epochs:
        model = module.saving.load_model(work / _LAST)
    else:
        model = families.build(options.family, weights=options.weights)
        rate = module.optimizers.schedules.CosineDecay(options.rate, options.epochs * steps, alpha=0.02)
        # Compiling by XLA costs a minute and gains nothing on a CPU.
        model.compile(module.optimizers.AdamW(rate, weight_decay=1e-4), "categorical_crossentropy", jit_compile=False)
    while not _over(epochs, options):
        number, begun = len(epochs) + 1, monotonic()
        rng = np.random.default_rng((options.seed, number))
        losses = []
        for done, (images, aims) in enumerate(batches(learnt, options.batch, rng), start=1):
            losses.append(float(model.train_on_batch(images, aims)) * len(images))
            step((number - 1) * steps + done, options.epochs * steps)
        p = probabilities(model, validation)
        loss = float(-np.log(np.maximum((p * targets(validation.labels)).sum(axis=1), 1e-7)).mean())
        epoch = Epoch(
            number=number,
            loss=sum(losses) / len(learnt.labels),
            validation_loss=loss,
            validation_accuracy=float((p.argmax(axis=1) == validation.labels).mean()),
            best=all(loss < before.validation_loss for before in epochs),
            seconds=monotonic() - begun,
        )
        epochs.append(epoch)
        _keep(work, identity, model, epochs)
        told(epoch)
    model.load_weights(work / _BEST)
    return model, epochs


def probabilities(model: Any, pictures: Pictures) -> npt.NDArray[np.float32]:
    """Return what the model says of each picture (pictures, 4)."""
    parts = (pictures.images[start : start + 64] for start in range(0, len(pictures.labels), 64))
    said: npt.NDArray[np.float32] = np.concatenate([np.asarray(model.predict_on_batch(shown(part))) for part in parts])
    return said


def _over(epochs: list[Epoch], options: Options) -> bool:
    best = max((epoch.number for epoch in epochs if epoch.best), default=0)
    return len(epochs) >= options.epochs or len(epochs) - best >= options.patience


def _taken_up(work: Path, identity: dict[str, str]) -> list[Epoch]:
    """Return the epochs that lie in `work`, none when they are of another training."""
    try:
        state = json.loads((work / _STATE).read_text(encoding="utf-8"))
        return [Epoch(**epoch) for epoch in state["epochs"]] if state["identity"] == identity else []
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{work / _STATE} is not what was written there ({error}): remove {work}") from error


def _keep(work: Path, identity: dict[str, str], model: Any, epochs: list[Epoch]) -> None:
    """Write the model, then what says that it is there; cut off between the two, the epoch is trained again."""
    if epochs[-1].best:
        model.save_weights(work / _BEST)
    model.save(work / f"half-{_LAST}")
    (work / f"half-{_LAST}").replace(work / _LAST)
    state = {"identity": identity, "epochs": [asdict(epoch) for epoch in epochs]}
    (work / f"half-{_STATE}").write_text(json.dumps(state, indent=1), encoding="utf-8")
    (work / f"half-{_STATE}").replace(work / _STATE)
