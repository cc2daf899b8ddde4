"""The live table: a row a run, filled in as results arrive."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from camsortxs_agent.demo.results import Heard, Results

_COLOURS = {"SAXS": "cyan", "WAXS": "magenta", "GISAXS": "green", "GIWAXS": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of a run before the agent says anything."""

    run: str
    name: str
    detector: str
    form: str
    frames: int


class LiveTable:
    """Shows `rows` beside what was heard of them; rich draws it anew a few times a second.

    A terminal shows the last rows that fit, a log file the whole table once, at the end.
    """

    def __init__(self, results: Results, console: Console) -> None:
        self.rows: list[Row] = []
        self.status = ""
        self._results = results
        self._console = console

    def live(self) -> Live:
        """Return the context manager that draws."""
        return Live(get_renderable=self._draw, console=self._console, refresh_per_second=5, vertical_overflow="crop")

    def _draw(self) -> Group:
        rows: Sequence[Row] = self.rows
        if self._console.is_terminal:
            rows = rows[-max(5, self._console.height - 6) :]
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name, justify in (
            ("run", "left"),
            ("sample", "left"),
            ("detector", "left"),
            ("documents", "left"),
            ("frames", "right"),
            ("technique", "left"),
            ("probability", "right"),
            ("latency", "right"),
        ):
            table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
        for row in rows:
            heard = self._results.runs.get(row.run)
            table.add_row(row.run[:8], row.name[-38:], row.detector, row.form, *_heard(row, heard))
        return Group(table, Text(self.status, style="dim"))


def _heard(row: Row, heard: Heard | None) -> tuple[str | Text, ...]:
    if heard is None:
        return f"0/{row.frames}", Text("...", style="dim"), "", ""
    probability = None
    label = ""
    if heard.index is not None:
        label, probability = str(heard.index["decided"]), heard.index["probability"]
    elif heard.last is not None:
        label = str(heard.last["decided"])
        probability = max(value for name, value in heard.last.items() if name.startswith("p_"))
    known = probability is not None and probability == probability  # NaN stands for "no signal"
    return (
        f"{len(heard.frames)}/{row.frames}",
        Text(label, style=f"bold {_COLOURS[label]}" if label in _COLOURS else "dim"),
        f"{probability:.0%}" if known else "",
        f"{1e3 * statistics.median(heard.latencies):.0f} ms" if heard.latencies else "",
    )
