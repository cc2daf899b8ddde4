"""`camsortxs train-embedding`: train a small convolutional network that representations look through."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from camsortxs.cli.labelled import frames_of
from camsortxs.cli.output import Format, complain, counting
from camsortxs.errors import CamsortxsError, ModelError
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.classifiers.embeddings import OnnxEmbedding
    from camsortxs.offline.dataset import LabelledFrame
    from camsortxs.offline.embedding.fit import Epoch
    from camsortxs.offline.embedding.pictures import Pictures

_HELP = """Train a small convolutional network to name the technique, and export it as `NAME/VERSION` for featurizers.

Families: lenet, mobilenet_025, mobilenet_v2_035, mobilenet_v3_small_075, efficientnet_v2_b0_025, densenet21,
resnet50_v2_025. Frames are drawn (`--simulated`), or read with their labels (`--frames`, `--labels`), or both; whole
groups (detectors of drawn frames, sources of read ones) are held out: a sixth or so stops the training, another
measures it. What was drawn and each epoch lie in the work folder: a training that was stopped goes on where it was.
Writes `embedding.onnx`, with all that Grad-CAM needs, and `embedding.json`. Needs the `deep` and `cpu` extras.

Examples:

    camsortxs train-embedding lenet --simulated 6000 --seed 1 --out models/embeddings/lenet/0.1.0

    camsortxs train-embedding densenet21 --frames frames/ --labels frames/labels.csv --out densenet21/0.2.0

    camsortxs train-embedding mobilenet_v2_035 --weights imagenet --simulated 6000 --out mobilenet_v2_035/0.2.0
"""


def train_embedding(
    family: Annotated[str, typer.Argument(help="Name of the family.")],
    out: Annotated[Path, typer.Option(help="Folder to write; its last two parts are the family and a version.")],
    simulated: Annotated[int, typer.Option(min=0, help="How many frames to draw.")] = 6000,
    frames: Annotated[Path | None, typer.Option(help="Folder that the table's files are relative to.")] = None,
    labels: Annotated[Path | None, typer.Option(help="A table of labels, as `camsortxs evaluate` reads it.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw, the split, the weights and the order.")] = 1,
    epochs: Annotated[int, typer.Option(min=1, help="How often each frame is seen, at most.")] = 10,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without progress that end it.")] = 3,
    weights: Annotated[str | None, typer.Option(help="`imagenet` to begin with those; they are fetched.")] = None,
    work: Annotated[Path, typer.Option(help="Folder of drawn frames and checkpoints.")] = Path(".cache/embeddings"),
    processes: Annotated[int, typer.Option(min=1, help="Processes to draw in.")] = 1,
    output: Annotated[Format, typer.Option("--format", help="Table, or one JSON object.")] = Format.TABLE,
) -> None:
    """Train a small convolutional network that representations look through."""
    screen = Console(stderr=True)
    try:
        from camsortxs.offline.embedding.backend import keras

        with screen.status("starting Keras ..."):
            keras()
        from camsortxs.offline.embedding.export import export
        from camsortxs.offline.embedding.families import check
        from camsortxs.offline.embedding.fit import Options, fit
        from camsortxs.offline.embedding.measure import measure, training_set
        from camsortxs.offline.embedding.pictures import split
        from camsortxs.offline.registry import check_new

        check(family, weights)
        if out.parent.name != family:
            raise ModelError(f"{out} would give it another name than {family}: let it end in {family}/VERSION")
        check_new(out)
        if (frames is None) != (labels is None):
            raise ModelError("--frames and --labels go together")
        errors: list[dict[str, str]] = []
        pictures, told = _gather(simulated, seed, frames, labels, work, processes, screen, errors)
        parts = learnt, validation, apart = split(pictures, seed)
        options = Options(family=family, epochs=epochs, patience=patience, seed=seed, weights=weights)
        with _progress(screen, family, epochs) as (step, tell):
            model, done = fit(learnt, validation, options, work=work / family, step=step, told=tell)
        written = export(
            model,
            apart,
            folder=out,
            training=training_set(pictures, parts, told),
            metrics=measure(model, apart, done),
            weights=weights,
        )
    except CamsortxsError as error:
        complain(screen, "Not trained", error)
        raise typer.Exit(2) from error
    for failed in errors:
        complain(screen, "not read", f"{failed['path']}: {failed['error']}")
    if output is Format.JSON:
        print(json.dumps(_report(written, out)))  # noqa: T201 - this is the output
    else:
        Console().print(_table(written))
    if errors:
        raise typer.Exit(3)


train_embedding.__doc__ = _HELP


def _gather(
    simulated: int,
    seed: int,
    frames: Path | None,
    labels: Path | None,
    work: Path,
    processes: int,
    screen: Console,
    errors: list[dict[str, str]],
) -> tuple["Pictures", str]:
    """Return the pictures to learn from, and what they are in words."""
    from camsortxs.cli.drawn_pictures import draw_pictures
    from camsortxs.offline.embedding.pictures import read_pictures

    parts, words = [], []
    if simulated:
        with counting(screen) as progress:
            parts.append(
                draw_pictures(
                    simulated,
                    seed,
                    work=work,
                    processes=processes,
                    track=lambda drawn: progress.track(drawn, total=simulated, description="simulated frames"),
                )
            )
        words.append(
            f"simulated frames ({simulated} drawn with seed {seed}, a stream of its own; a group is a detector)"
        )
    if frames is not None and labels is not None:
        parts.append(read_pictures(_labelled(labels, frames, errors)))
        words.append(f"{len(parts[-1].labels)} labelled frames of {labels.name} (a group is a source)")
    if not parts:
        raise ModelError("nothing to learn from: give --simulated, or --frames and --labels")
    return (parts[0] if len(parts) == 1 else parts[0].and_(parts[1])), " and ".join(words)


def _labelled(labels: Path, frames: Path, errors: list[dict[str, str]]) -> Iterator["LabelledFrame"]:
    from camsortxs.offline.dataset import LabelledFrame, target_of
    from camsortxs.offline.labels import read_labels

    for row in read_labels(labels, frames):
        if row.technique is not None:
            for frame in frames_of(row, errors):
                yield LabelledFrame(frame=frame, target=target_of(row.technique), group=row.group)


@contextmanager
def _progress(screen: Console, family: str, epochs: int) -> Iterator[tuple[Any, Any]]:
    """Yield what is told of batches and what is told of epochs."""
    with counting(screen) as bar:
        task = bar.add_task(family, total=None)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        def tell(epoch: "Epoch") -> None:
            bar.console.print(
                f"epoch {epoch.number} of {epochs}: loss {epoch.loss:.3f}, validation {epoch.validation_loss:.3f}, "
                f"accuracy {epoch.validation_accuracy:.3f}{' *' if epoch.best else ''}, {epoch.seconds:.0f} s"
            )

        yield step, tell


def _report(embedding: "OnnxEmbedding", folder: Path) -> dict[str, Any]:
    manifest = embedding.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "folder": str(folder),
        "sha256": manifest.sha256,
        "bytes": len(embedding.graph),
        "parameters": manifest.parameters,
        "numbers": manifest.numbers,
        "training": manifest.training.model_dump(),
        "metrics": manifest.metrics,
    }


def _table(embedding: "OnnxEmbedding") -> Table:
    manifest = embedding.manifest
    held_out = manifest.metrics["held_out"]
    table = Table(title=f"{manifest.name} {manifest.version}: {held_out['frames']} frames of groups held out")
    for heading in ("metric", "value", "95 %"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, figure in held_out["by_frame"].items():
        if figure["value"] is not None and figure["interval"]:
            low, high = figure["interval"]
            table.add_row(name, f"{figure['value']:.3f}", f"{low:.2f} - {high:.2f}")
    for technique in map(str, TECHNIQUES):
        if recall := held_out["recall"].get(technique):
            table.add_row(f"recall of {technique}", f"{recall['recall']:.3f}", "")
    table.add_row("parameters", f"{manifest.parameters:,}", "")
    table.add_row("size", f"{len(embedding.graph) / 1e6:.2f} MB", "")
    table.add_row("training", f"{manifest.metrics['minutes']:.1f} min", "")
    return table
