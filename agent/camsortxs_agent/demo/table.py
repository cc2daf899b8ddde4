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

_DOCUMENTS = {"event_page": "event page", "resource": "datum", "stream_resource": "stream datum"}


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
        # All columns but the sample's are as wide as they must be.
        sample = max(10, self._console.width - 80)
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1), collapse_padding=True)
        for name in ("run", "sample", "detector", "documents", "technique"):
            table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=sample if name == "sample" else None)
        for name in ("probability", "frames", "latency"):
            table.add_column(name, no_wrap=True, justify="right")
        for row in rows:
            heard = _heard(row, self._results.runs.get(row.run))
            table.add_row(row.run[:6], row.name, row.detector[:12], _DOCUMENTS.get(row.form, row.form), *heard)
        return Group(table, Text(self.status, style="dim"))


def _heard(row: Row, heard: Heard | None) -> tuple[str | Text, ...]:
    if heard is None:
        return Text("...", style="dim"), "", f"0/{row.frames}", ""
    label, probability = "", None
    if heard.index is not None:
        label, probability = str(heard.index["decided"]), heard.index.get("probability")
    elif heard.last is not None:
        label = str(heard.last["decided"])
        probability = max(value for name, value in heard.last.items() if name.startswith("p_"))
    known = probability is not None and probability == probability  # NaN stands for "no signal"
    return (
        Text(label, style=f"bold {_COLOURS[label]}" if label in _COLOURS else "dim"),
        f"{probability:.0%}" if known else "",
        f"{len(heard.frames)}/{row.frames}",
        f"{1e3 * statistics.median(heard.latencies):.0f} ms" if heard.latencies else "",
    )
