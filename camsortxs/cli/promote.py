"""`camsortxs models promote` and `rollback`: who serves, and why."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from camsortxs.cli.models import Models, Output, models_folder, paper, screen, unusable
from camsortxs.cli.output import Format, complain, counting
from camsortxs.errors import FrameError, ModelError

if TYPE_CHECKING:
    from camsortxs.offline.duel import Question
    from camsortxs.offline.gate import Contest, Decision
    from camsortxs.offline.labels import Label

SIMULATED = 400

Frames = Annotated[Path | None, typer.Option(help="Folder of the frozen evaluation set.", exists=True, file_okay=False)]
Labels = Annotated[
    Path | None, typer.Option(help="Its table of labels; `labels.csv` in that folder, if not given.", exists=True)
]
NewSet = Annotated[
    bool, typer.Option("--new-evaluation-set", help="Judge on another evaluation set than at the last promotion.")
]
Simulated = Annotated[int, typer.Option(min=40, help="Without --frames: how many frames to draw for the comparison.")]


def promote(
    model: Annotated[str, typer.Argument(help="The challenger, NAME/VERSION.")],
    frames: Frames = None,
    labels: Labels = None,
    new_evaluation_set: NewSet = False,
    simulated: Simulated = SIMULATED,
    models: Models = None,
    output: Output = Format.TABLE,
) -> None:
    """Make a challenger the champion, if it is at least as good on the frozen evaluation set.

    Both are asked about the same frames, from the image alone, and every group (source) weighs the same. The challenger
    is refused (exit code 4, with the table that says why) when its mean over groups is lower, one technique is found
    more seldom, more than a tenth of the groups are worse, wrong names become more frequent or right ones rarer, more
    is seen in frames that show nothing, the bundle is larger than 40 MB, or it does not reproduce its golden frames.
    Groups that either was trained on are left out. Labels and files must be those of the last promotion, unless
    `--new-evaluation-set` says otherwise. Without `--frames` simulated frames decide, of a seed that training must not
    use: that says nothing about real instruments.

    Exit code 2 when the challenger or the table cannot be used, 3 when a frame could not be read (nothing is promoted).

    For example:

        camsortxs models promote mine/0.2.0 --frames evaluation/ --labels evaluation/labels.csv

        camsortxs models promote mine/0.2.0 --format json
    """
    from camsortxs.offline.registry import model_of

    folder = models_folder(models)
    try:
        challenger = model_of(model)
        decision = hold(folder, challenger, prepare(frames, labels, simulated), new_evaluation_set=new_evaluation_set)
    except (ModelError, FrameError) as error:
        raise unusable(error) from error
    report(decision, output)
    if decision.code:
        raise typer.Exit(decision.code)


def rollback(
    why: Annotated[str, typer.Option(help="Noted in the log.")] = "asked for",
    models: Models = None,
    output: Output = Format.TABLE,
) -> None:
    """Return to the champion before this one, once it proves to be whole; exit code 2 when there is none.

    For example:

        camsortxs models rollback --why "calls every calibrant WAXS"
    """
    from camsortxs.offline.registry import roll_back

    try:
        left, back = roll_back(models_folder(models), why=why)
    except ModelError as error:
        raise unusable(error) from error
    if output is Format.JSON:
        print(json.dumps({"champion": back, "instead_of": left, "why": why}))  # noqa: T201 - this is the output
    else:
        screen.print(f"[green]{back}[/] serves again instead of {left}")


def prepare(frames: Path | None, labels: Path | None, simulated: int) -> "Contest":
    """Return the frames that decide: those in a folder, or simulated ones.

    Raises
    ------
    FrameError
        When table or files cannot be read.
    """
    from camsortxs.cli.fixed import simulated_evaluation, simulated_questions
    from camsortxs.offline.duel import frozen
    from camsortxs.offline.gate import Contest
    from camsortxs.offline.labels import read_labels

    errors: list[dict[str, str]] = []
    if frames is None:
        if labels is not None:
            raise FrameError("bad_labels", "--labels needs --frames: the folder that its files are relative to")
        return Contest(evaluation=simulated_evaluation(simulated), questions=simulated_questions(simulated))
    rows = read_labels(labels or frames / "labels.csv", frames)
    return Contest(
        evaluation=frozen(rows, frames),
        questions=_questions(rows, errors),
        groups=frozenset(row.group for row in rows),
        errors=errors,
    )


def hold(folder: Path, challenger: str, contest: "Contest", *, new_evaluation_set: bool) -> "Decision":
    """Let them compete, with a progress bar; errors as of `camsortxs.offline.gate.decide`."""
    from camsortxs.cli.model import build_line
    from camsortxs.offline.gate import decide

    with counting(screen) as progress:
        tracked = progress.track(contest.questions, total=contest.evaluation.frames, description="frames")
        return decide(
            folder,
            challenger,
            replace(contest, questions=tracked),
            build=lambda model, sink: build_line(model, sink=sink),
            new_evaluation_set=new_evaluation_set,
        )


def table_of(decision: "Decision") -> Table:
    """Return the criteria as a table."""
    verdict = decision.verdict
    assert verdict is not None  # noqa: S101 - asked for where there is one
    table = Table(title=f"{decision.model} against {decision.champion or 'nobody'}: {decision.evaluation}")
    for heading in ("", "by group", "champion", "challenger", "wanted"):
        table.add_column(heading, justify="right" if heading in ("champion", "challenger") else "left")
    for line in verdict.lines:
        mark = "[green]✓[/]" if line.good else "[red]✗[/]"
        table.add_row(mark, line.what, _cell(line.champion), _cell(line.challenger), line.wanted)
    notes = []
    if verdict.left_out:
        notes.append(f"left out, for one was trained on them: {', '.join(verdict.left_out)}")
    if verdict.worse:
        notes.append(f"worse: {', '.join(verdict.worse)}")
    table.caption = escape("; ".join(notes)) or None
    return table


def report(decision: "Decision", output: Format) -> None:
    """Print how it ended."""
    if output is Format.JSON:
        print(json.dumps(decision.as_json()), flush=True)  # noqa: T201 - this is the output
        return
    if decision.verdict:
        paper().print(table_of(decision))
    for error in decision.errors:
        complain(screen, "not read", f"{error['path']}: {error['error']}")
    promoted = "[green]champion[/]" if decision.code == 0 else "[red]not promoted[/]"
    screen.print(f"{decision.model}: {promoted}: {escape(decision.why)}", soft_wrap=True)


def _questions(rows: "Sequence[Label]", errors: list[dict[str, str]]) -> "Iterator[Question]":
    from camsortxs.cli.labelled import frames_of
    from camsortxs.offline.duel import Question

    for row in rows:
        for frame in frames_of(row, errors):
            yield Question(frame=frame, technique=row.technique, group=row.group, name=str(frame.key))


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}"
