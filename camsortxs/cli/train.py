"""`camsortxs train`: gather labelled frames, featurize them, train, calibrate, export."""

import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from camsortxs.cli.data_options import DataOptions
from camsortxs.cli.output import complain
from camsortxs.cli.with_data import with_data
from camsortxs.errors import CamsortxsError, ModelError
from camsortxs.techniques import TECHNIQUES

if TYPE_CHECKING:
    from camsortxs.features.chain import Chain
    from camsortxs.offline.train import Options

REPRESENTATIONS = ("histogram.statistics", "glcm.all", "radial.profile", "radial.harmonics", "radial.asymmetry")

_HELP = """Train a model and export it as a bundle `NAME/VERSION`.

Frames are drawn (`--simulated`, `--nothing`), read with their labels from folders (`--labels`), or fetched from the
runs of a Tiled or databroker archive that people have labelled (`--tiled`): as many of these as you like. What was
featurized once is kept. The classifiers (`et`, `lightgbm`, `lightgbm_extra`, `xgboost`, `rf`, `catboost`; several vote)
are judged with whole groups held out: a simulated detector; a source; an instrument and sample. What they say
together is calibrated, and written as ONNX with manifest and model card. Nothing is written unless the ONNX model
answers as the Python model does. A bundle carries the embeddings that its representations (`lenet.*`, `deep.*`) look
through: those given, else the shipped ones. Needs the `train` extra. Exit code 3 when a frame could not be read (after
all the others), 2 when nothing was trained.

Examples:

    camsortxs train --simulated 6000 --seed 1 --out models/first/0.2.0

    camsortxs train --simulated 6000 --nothing 600 --labels frames/labels.csv --copies 3 --out models/mine/0.1.0

    camsortxs train --tiled https://tiled.example.org --query plan_name=count --label-key technique --out mine/0.2.0

    camsortxs train --representations radial.profile,lenet.dense --embedding lenet/0.2.0 --out models/mine/0.1.0

    camsortxs train --classifiers et,lightgbm --simulated 100000 --processes 16 --out models/mine/0.3.0
"""


@with_data()
def train(
    data: DataOptions,
    out: Annotated[Path, typer.Option(help="Folder of the bundle; its last two parts are name and version.")],
    classifiers: Annotated[
        str, typer.Option(help="Who answers, separated by commas: several vote, one named twice with two seeds.")
    ] = "lightgbm_extra",
    trees: Annotated[int, typer.Option(min=2, help="Trees of a forest, rounds of boosting.")] = 250,
    folds: Annotated[int, typer.Option(min=2, help="Folds by group that frames are held out in.")] = 6,
    tune: Annotated[
        bool, typer.Option("--tune", help="Let pycaret choose settings in each fold, not take ours.")
    ] = False,
    representations: Annotated[
        str, typer.Option(help="What the model looks at, by name, separated by commas.")
    ] = ",".join(REPRESENTATIONS),
    embedding: Annotated[
        list[Path] | None, typer.Option(help="Folder of an embedding to use instead of the shipped one; repeatable.")
    ] = None,
) -> None:
    """Train a model and export it as a bundle."""
    screen = Console(stderr=True)
    if missing := [name for name in ("pycaret", "skl2onnx") if find_spec(name) is None]:
        screen.print(f"[red]{missing[0]} is not there:[/] training needs pip install 'camsortxs\\[train,cpu]'")
        raise typer.Exit(2)
    from camsortxs.classifiers.embeddings import chain_with, load_embedding
    from camsortxs.cli.fixed import golden_images
    from camsortxs.cli.sources import DrawnFrames
    from camsortxs.offline.estimators import KINDS
    from camsortxs.offline.export import export
    from camsortxs.offline.judged import out_of_fold_figures
    from camsortxs.offline.registry import check_new
    from camsortxs.offline.train import Options
    from camsortxs.offline.train import train as fit

    names, voters = _listed(representations), _listed(classifiers)
    try:
        check_new(out)
        if unknown := set(voters) - set(KINDS):
            raise ModelError(f"no classifier {', '.join(sorted(unknown))}: there are {', '.join(KINDS)}")
        chain = chain_with(names, [load_embedding(folder) for folder in embedding or ()])
        gathered = data.gather(chain, screen)
        dataset = gathered.dataset
        # ONNX and Python are compared on frames that nobody learnt from.
        apart = DrawnFrames(kinds=tuple(map(str, TECHNIQUES)), number=80, seed=data.seed + 1_000_003)
        held_out = data.gather_from([apart], chain, screen).dataset.values
        options = Options(trees=trees, folds=folds, seed=data.seed, jobs=data.processes, tune=tune)
        with screen.status(f"{', '.join(voters)}, in {folds} folds, then on all frames ..."):
            trained = fit(dataset, voters, options)
        figures = out_of_fold_figures(dataset, trained)
        manifest = export(
            trained,
            dataset,
            chain,
            folder=out,
            description=gathered.words + _through(chain),
            held_out=held_out,
            metrics=figures,
            golden=golden_images(),
            command=_command(data, voters, options, out, names, embedding or ()),
        )
    except (CamsortxsError, ValueError, OSError) as error:
        complain(screen, "Not trained", error)
        raise typer.Exit(2) from error
    accuracy = figures["by_frame"]["balanced_accuracy"]["value"]
    screen.print(
        f"{manifest}: {trained.name}, balanced accuracy {accuracy:.3f} out of fold on {figures['frames']} "
        f"{figures['judged_on']} frames; {len(dataset.labels)} frames learnt from, {gathered.known} known already"
    )
    if gathered.failed:
        raise typer.Exit(3)


train.__doc__ = _HELP


def _through(chain: "Chain") -> str:
    """Say what out-of-fold figures do not: an embedding is trained once, not in each fold."""
    if not chain.embeddings:
        return ""
    names = ", ".join(f"{name} {embedding.version}" for name, embedding in chain.embeddings.items())
    return f"; it looks through {names}, which may have learnt from the groups held out: out of fold it is flattered"


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _command(
    data: DataOptions,
    classifiers: Sequence[str],
    options: "Options",
    out: Path,
    names: Sequence[str],
    embeddings: Sequence[Path],
) -> str:
    """Spell the command that trains the same model in anybody's checkout."""
    words = [*data.spelt(), "--classifiers", ",".join(classifiers)]
    words += ["--trees", str(options.trees), "--folds", str(options.folds), *(["--tune"] if options.tune else [])]
    if tuple(names) != REPRESENTATIONS:
        words += ["--representations", ",".join(names)]
    for folder in embeddings:
        words += ["--embedding", str(Path("models", "embeddings", *folder.parts[-2:]))]
    return shlex.join(["camsortxs", "train", *words, "--out", str(Path("models", *out.parts[-2:]))])
