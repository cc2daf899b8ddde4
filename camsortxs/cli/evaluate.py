"""`camsortxs evaluate`: how good the answers are on labelled frames."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from camsortxs.cli.labelled import frames_of
from camsortxs.cli.output import Format
from camsortxs.errors import FrameError, ModelError
from camsortxs.frames import Batch, Frame
from camsortxs.offline.dataset import Label, read_labels
from camsortxs.offline.evaluate import RESAMPLES, Answer
from camsortxs.offline.evaluate import evaluate as measure
from camsortxs.pipeline import Pipeline
from camsortxs.records import Outcome, Prediction
from camsortxs.techniques import Decision, Parent, Technique

_HELP = """Measure the answers on labelled frames, by frame and by source group (every source weighs the same).

The table has the columns `file` (relative to `--frames`), `technique` and `source`, and where needed `hdf5_dataset` and
`frame_index`; a technique of `no_signal` marks frames that show none of the four, which are counted apart. Every figure
comes twice: from the image alone, and with what the headers say. Intervals (95 %) resample whole sources. Exit code 3
when a frame could not be read (after all the others), 2 when the model cannot be used.

Examples:

    camsortxs evaluate --frames frames/ --labels frames/labels.csv

    camsortxs evaluate --frames frames/ --labels frames/labels.csv --format json > figures.json
"""


def evaluate(
    frames: Annotated[Path, typer.Option(help="Folder that the table's files are relative to.", exists=True)],
    labels: Annotated[Path, typer.Option(help="The table of labels.", exists=True, dir_okay=False)],
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    output: Annotated[Format, typer.Option("--format", help="Tables, or one JSON object.")] = Format.TABLE,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of the intervals.")] = RESAMPLES,
) -> None:
    """Measure the answers on labelled frames, by frame and by source group."""
    from camsortxs.cli.model import build_line

    screen = Console(stderr=True)
    asker = _Asker()
    try:
        rows = read_labels(labels, frames)
        line = build_line(model, sink=asker)
    except (ModelError, FrameError) as error:
        screen.print(f"[red]Cannot evaluate:[/] {error}", soft_wrap=True)
        raise typer.Exit(2) from error
    with Progress(console=screen) as progress:
        for row in progress.track(rows, description="frames"):
            asker.ask(line, row)
    if not asker.with_metadata and not asker.nothing:
        screen.print("[red]Cannot evaluate:[/] not one frame could be read")
        raise typer.Exit(3)
    report = {
        "model": asker.model,
        "frames": len(asker.with_metadata),
        "groups": len({answer.group for answer in asker.with_metadata}),
        "image_only": measure(asker.image_only, resamples=resamples) if asker.image_only else None,
        "with_metadata": measure(asker.with_metadata, resamples=resamples) if asker.with_metadata else None,
        "nothing": _withheld(asker.nothing),
        "errors": asker.errors,
    }
    if output is Format.JSON:
        print(json.dumps(report))  # noqa: T201 - this is the output
    else:
        _show(report, Console())
    if asker.errors:
        raise typer.Exit(3)


evaluate.__doc__ = _HELP


class _Asker:
    """Takes each frame down the line twice, with and without its metadata, and keeps the answers."""

    def __init__(self) -> None:
        self.with_metadata: list[Answer] = []
        self.image_only: list[Answer] = []
        self.nothing: list[Decision] = []
        self.errors: list[dict[str, str]] = []
        self.model = ""
        self._outcome: Outcome | None = None

    def write(self, outcome: Outcome) -> None:
        """Keep the outcome in hand."""
        self._outcome = outcome

    def ask(self, line: Pipeline, label: Label) -> None:
        """Ask about the frames of one row of the table; a row names one frame, or the first of its file."""
        for frame in frames_of(label, self.errors):
            if label.technique is None:
                self.nothing.append(self._predict(line, frame).decided)
                continue
            self.with_metadata.append(self._answer(line, frame, label, label.technique))
            self.image_only.append(self._answer(line, replace(frame, geometry=None), label, label.technique))

    def _predict(self, line: Pipeline, frame: Frame) -> Prediction:
        outcome = line.process(Batch(frames=(frame,)))
        self.model = outcome.model
        return outcome.records[0].prediction

    def _answer(self, line: Pipeline, frame: Frame, label: Label, truth: Technique) -> Answer:
        prediction = self._predict(line, frame)
        return Answer(
            truth=truth,
            group=label.group,
            decided=prediction.decided,
            probabilities=prediction.probabilities,
            name=label.path.name,
        )


def _withheld(decisions: list[Decision]) -> dict[str, Any]:
    """Say how many frames that show none of the four were called `no_signal` or `unknown`, as they should be."""
    withheld = sum(decided in (Parent.NO_SIGNAL, Parent.UNKNOWN) for decided in decisions)
    return {"frames": len(decisions), "withheld": withheld / len(decisions) if decisions else None}


def _show(report: dict[str, Any], screen: Console) -> None:
    for mode in ("image_only", "with_metadata"):
        part = report[mode]
        if part is None:
            continue
        title = f"{report['model']}, {mode.replace('_', ' ')}: {part['frames']} frames of {part['groups']} sources"
        table = Table(title=title)
        for heading in ("metric", "by frame", "95 %", "by source", "95 %"):
            table.add_column(heading, justify="left" if heading == "metric" else "right")
        for name in part["by_frame"]:
            cells = [_cells(part[by][name]) for by in ("by_frame", "by_group")]
            table.add_row(name, *cells[0], *cells[1])
        screen.print(table)
        confusion = Table(title="rows: truth, columns: most probable")
        confusion.add_column("")
        for name in next(iter(part["confusion"].values())):
            confusion.add_column(name, justify="right")
        for truth, row in part["confusion"].items():
            confusion.add_row(truth, *map(str, row.values()))
        screen.print(confusion)
    nothing = report["nothing"]
    if nothing["frames"]:
        screen.print(f"{nothing['frames']} frames show none of the four: {nothing['withheld']:.0%} were named none")
    for error in report["errors"]:
        screen.print(f"[red]not read:[/] {error['path']}: {error['error']}", soft_wrap=True)


def _cells(figure: dict[str, Any]) -> tuple[str, str]:
    value, interval = figure["value"], figure["interval"]
    return (
        "" if value is None else f"{value:.3f}",
        "" if interval is None else f"{interval[0]:.2f} - {interval[1]:.2f}",
    )
