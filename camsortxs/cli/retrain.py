"""`camsortxs retrain`: from labelled frames to a new champion, or to the reason why not; for cron."""

import json
import shlex
import shutil
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from camsortxs.cli.data_options import DataOptions
from camsortxs.cli.models import Models, Output, models_folder, screen, unusable
from camsortxs.cli.output import Format
from camsortxs.cli.promote import SIMULATED, NewSet, hold, prepare, report
from camsortxs.cli.with_data import with_data
from camsortxs.errors import CamsortxsError, ModelError

if TYPE_CHECKING:
    from camsortxs.offline.gate import Contest, Decision

_HELP = """Train a challenger on labelled frames, and promote it if it is at least as good as the champion.

Frames come from where `camsortxs train` finds them, people's labels first. The challenger looks at what the champion
looks at and is trained by the same classifiers, tuned anew; with `--compare-all` all five compete. It becomes the next
version of the champion's name in the folder of models. Then it must pass the gate of `camsortxs models promote`, on the
frozen evaluation set; groups of that set are never learnt from. One that is refused is removed, unless
`--keep-refused`; the log keeps why. Where nothing new is labelled there is nothing to do.

Exit code 0: promoted, or nothing to do; 2: something cannot be used; 3: a frame of the evaluation set could not be
read; 4: refused. Needs the `train` extra.

Examples:

    camsortxs retrain --tiled https://tiled.example.org --evaluation-frames evaluation/ --models models/ --format json

    camsortxs retrain --labels frames/labels.csv --simulated 2000 --evaluation-frames evaluation/ --models models/
"""


@with_data()
def retrain(
    data: DataOptions,
    evaluation_frames: Annotated[
        Path | None, typer.Option(help="Folder of the frozen evaluation set.", exists=True, file_okay=False)
    ] = None,
    evaluation_labels: Annotated[
        Path | None, typer.Option(help="Its table of labels; `labels.csv` in that folder, if not given.", exists=True)
    ] = None,
    new_evaluation_set: NewSet = False,
    evaluation_simulated: Annotated[
        int, typer.Option(min=40, help="Without --evaluation-frames: how many frames to draw for the comparison.")
    ] = SIMULATED,
    name: Annotated[str | None, typer.Option(help="Name of the challenger; the champion's, if not given.")] = None,
    compare_all: Annotated[bool, typer.Option("--compare-all", help="Compare all five classifiers.")] = False,
    trees: Annotated[int, typer.Option(min=2, help="Trees of a forest, rounds of boosting.")] = 300,
    folds: Annotated[int, typer.Option(min=2, help="Folds of groups.")] = 3,
    anew: Annotated[bool, typer.Option("--anew", help="Also where the same frames were learnt from before.")] = False,
    keep_refused: Annotated[bool, typer.Option("--keep-refused", help="Keep a challenger that is refused.")] = False,
    models: Models = None,
    output: Output = Format.TABLE,
) -> None:
    """Train a challenger on labelled frames, and promote it if it is at least as good as the champion."""
    if missing := [name for name in ("pycaret", "skl2onnx") if find_spec(name) is None]:
        raise unusable(ModelError(f"{missing[0]} is not there: training needs pip install 'camsortxs[train,cpu]'"))
    from camsortxs.classifiers.bundle import load_bundle
    from camsortxs.classifiers.champion import champion_of, read_pointer
    from camsortxs.classifiers.embeddings import chain_of
    from camsortxs.cli.fixed import golden_images
    from camsortxs.offline.gate import REFUSED, OtherSet, check_set
    from camsortxs.offline.recipe import apart_from, recipe_of
    from camsortxs.offline.retrain import challenge, judged_before
    from camsortxs.offline.train import Options

    folder = models_folder(models)
    try:
        champion = load_bundle(champion_of(folder))
        recipe = None if compare_all else recipe_of(champion.manifest)
        contest = prepare(evaluation_frames, evaluation_labels, evaluation_simulated)
        if not new_evaluation_set:
            check_set(read_pointer(folder), contest.evaluation)  # before hours of training
        chain = chain_of(champion)
        gathered = data.gather(chain, screen)
        dataset = apart_from(gathered.dataset, contest.groups)
        learnt: dict[str, Any] = {
            "frames": len(dataset.values),
            "measured": int((dataset.origins == "measured").sum()),
            "groups": len(set(dataset.groups.tolist())),
            "not_read": len(gathered.failed),
        }
        if not anew and (before := judged_before(folder, dataset.digest, contest.evaluation)):
            _nothing_to_do(champion.manifest.reference, f"nothing new: {before}", learnt, output)
            return
        with screen.status(f"training on {learnt['frames']} frames ..."):
            model = challenge(
                folder,
                name or champion.manifest.name,
                dataset,
                chain,
                recipe=recipe,
                options=Options(trees=trees, folds=folds, seed=data.seed, tune=compare_all),
                golden=golden_images(),
                description=gathered.words + _left_out(gathered.dataset, dataset),
                command=shlex.join(["camsortxs", "retrain", *data.spelt(), "--trees", str(trees)]),
            )
        decision = hold(folder, model, contest, new_evaluation_set=new_evaluation_set)
        if decision.code:
            _dismiss(folder, decision, dataset.digest, contest, keep=keep_refused)
    except OtherSet as error:
        raise unusable(error, REFUSED) from error
    except (CamsortxsError, OSError) as error:
        raise unusable(error) from error
    if output is Format.JSON:
        print(json.dumps(decision.as_json() | {"learnt_from": learnt}), flush=True)  # noqa: T201 - this is the output
    else:
        report(decision, output)
    if decision.code:
        raise typer.Exit(decision.code)


retrain.__doc__ = _HELP


def _left_out(gathered: Any, dataset: Any) -> str:
    left = len(gathered.values) - len(dataset.values)
    return f"; {left} frames of the groups of the evaluation set left out" if left else ""


def _nothing_to_do(champion: str, why: str, learnt: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        plain = {"model": None, "champion": champion, "promoted": False, "why": why, "learnt_from": learnt}
        print(json.dumps(plain), flush=True)  # noqa: T201 - this is the output
    else:
        screen.print(f"{champion} stays: {escape(why)}", soft_wrap=True)


def _dismiss(folder: Path, decision: "Decision", digest: str, contest: "Contest", *, keep: bool) -> None:
    """Note why a challenger was refused, and remove it; what was not decided is only removed."""
    from camsortxs.classifiers.champion import log_decision
    from camsortxs.offline.gate import REFUSED

    if decision.code == REFUSED:
        log_decision(
            folder,
            when=datetime.now(UTC),
            action="refused",
            model=decision.model,
            why=decision.why,
            instead_of=decision.champion,
            training=digest,
            evaluation=contest.evaluation.model_dump(),
            figures=decision.verdict.as_json() if decision.verdict else {},
        )
    if not keep:
        shutil.rmtree(folder / decision.model)
