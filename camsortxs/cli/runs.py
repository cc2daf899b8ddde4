"""Runs on a screen: while they are worked on, and what came of each."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from camsortxs import derived
from camsortxs.summary import RunSummary


def progress_of_runs(screen: Console) -> Progress:
    """Return a bar that says which run is worked on, how many are done, and how long the rest may take."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=screen
    )


def run_row(summary: RunSummary) -> dict[str, Any]:
    """Return what came of a run, as plain values."""
    index = derived.index_metadata(summary, [], model="", by="")
    return {name: index[name] for name in ("technique", "decided", "probability", "frames", "rejected")}


def run_table(runs: Mapping[str, RunSummary], *, title: str) -> Table:
    """Return what came of runs, one in each row."""
    table = Table(title=title)
    for heading in ("run", "technique", "probability", "frames", "refused"):
        table.add_column(heading, justify="right" if heading in ("probability", "frames", "refused") else "left")
    for run, summary in runs.items():
        probability = "" if summary.probability is None else f"{summary.probability:.2f}"
        refused = ", ".join(f"{count} {reason}" for reason, count in summary.rejected.items())
        table.add_row(run[:8], str(summary.decided), probability, str(summary.frames), refused)
    return table
