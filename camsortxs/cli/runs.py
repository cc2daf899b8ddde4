"""Runs on a screen: what came of each."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from camsortxs import derived
from camsortxs.summary import RunSummary


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
