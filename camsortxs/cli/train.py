"""`camsortxs train`: draw frames, featurize them, train, calibrate, export."""

import shlex
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from camsortxs.cli.drawn import counting, draw_features
from camsortxs.errors import ModelError
from camsortxs.features.chain import Chain
from camsortxs.offline.evaluate import answers
from camsortxs.offline.evaluate import evaluate as measure
from camsortxs.techniques import TECHNIQUES

REPRESENTATIONS = ("histogram.statistics", "glcm.all", "radial.profile", "radial.harmonics", "radial.asymmetry")

_HELP = """Train a model on simulated frames and export it as a bundle `NAME/VERSION`.

Draws N frames of the four techniques, featurizes them, lets pycaret compare Extra Trees and LightGBM with whole
detectors held out, calibrates the better one, and writes ONNX, manifest and model card. Nothing is written unless the
ONNX model answers as the Python model does. A bundle carries the embeddings that its representations (`lenet.*`,
`deep.*`) look through: those given, else the shipped ones. Needs the `train` extra.

Examples:

    camsortxs train --simulated 6000 --seed 1 --out models/first/0.2.0

    camsortxs train --representations radial.profile,lenet.dense --embedding lenet/0.2.0 --out models/mine/0.1.0

    camsortxs evaluate --model models/first/0.2.0 --frames frames/ --labels frames/labels.csv
"""


def train(
    out: Annotated[Path, typer.Option(help="Folder of the bundle; its last two parts are name and version.")],
    simulated: Annotated[int, typer.Option(min=80, help="How many frames to draw.")] = 6000,
    seed: Annotated[int, typer.Option(help="Of the draw, the folds and the trees.")] = 1,
    trees: Annotated[int, typer.Option(min=2, help="Trees of the forest.")] = 300,
    processes: Annotated[int, typer.Option(min=1, help="Processes to draw in.")] = 1,
    representations: Annotated[
        str, typer.Option(help="What the model looks at, by name, separated by commas.")
    ] = ",".join(REPRESENTATIONS),
    embedding: Annotated[
        list[Path] | None, typer.Option(help="Folder of an embedding to use instead of the shipped one; repeatable.")
    ] = None,
) -> None:
    """Train a model on simulated frames and export it as a bundle."""
    screen = Console(stderr=True)
    if missing := [name for name in ("pycaret", "skl2onnx") if find_spec(name) is None]:
        screen.print(f"[red]{missing[0]} is not there:[/] training needs pip install 'camsortxs\\[train,cpu]'")
        raise typer.Exit(2)
    from camsortxs.classifiers.embeddings import chain_with, load_embedding
    from camsortxs.cli.fixed import golden_images
    from camsortxs.offline.export import export
    from camsortxs.offline.train import Options
    from camsortxs.offline.train import train as fit

    names = [name.strip() for name in representations.split(",") if name.strip()]
    try:
        chain = chain_with(names, [load_embedding(folder) for folder in embedding or ()])
    except ModelError as error:
        screen.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(2) from error
    with counting(screen) as progress:
        draw = partial(draw_features, TECHNIQUES, chain=chain, processes=processes, progress=progress, mid=False)
        dataset = draw(count=simulated, seed=seed)
        apart = draw(count=max(80, simulated // 20), seed=seed + 1_000_003)
    with screen.status("pycaret compares Extra Trees and LightGBM ..."):
        trained = fit(dataset, Options(trees=trees, seed=seed))
    figures = measure(answers(dataset, trained.out_of_fold, trained.threshold))
    try:
        manifest = export(
            trained,
            dataset,
            chain,
            folder=out,
            description=f"simulated frames only ({simulated} drawn with seed {seed}, those between small and wide left "
            f"out; a group is a detector){_through(chain)}",
            held_out=apart.values,
            metrics=figures,
            golden=golden_images(),
            command=_command(simulated, seed, trees, out, names, embedding or ()),
        )
    except ModelError as error:
        screen.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(2) from error
    accuracy = figures["by_frame"]["balanced_accuracy"]["value"]
    frames = len(dataset.labels)
    screen.print(f"{manifest}: {trained.name}, balanced accuracy {accuracy:.3f} out of fold, {frames} frames")


train.__doc__ = _HELP


def _through(chain: Chain) -> str:
    """Say what out-of-fold figures do not: an embedding is trained once, not in each fold."""
    if not chain.embeddings:
        return ""
    names = ", ".join(f"{name} {embedding.version}" for name, embedding in chain.embeddings.items())
    return f"; it looks through {names}, which may have learnt from the groups held out: out of fold it is flattered"


def _command(simulated: int, seed: int, trees: int, out: Path, names: Sequence[str], embeddings: Sequence[Path]) -> str:
    """Spell the command that trains the same model in anybody's checkout."""
    options: list[tuple[str, object]] = [("simulated", simulated), ("seed", seed), ("trees", trees)]
    if tuple(names) != REPRESENTATIONS:
        options.append(("representations", ",".join(names)))
    options += [("embedding", Path("models", "embeddings", *folder.parts[-2:])) for folder in embeddings]
    options.append(("out", Path("models", *out.parts[-2:])))
    return shlex.join(["camsortxs", "train", *(word for k, v in options for word in (f"--{k}", str(v)))])
