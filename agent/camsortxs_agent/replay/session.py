"""A replay on a screen: what is worked on, what came of each run, and what is left."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from camsortxs.cli.output import Format, complain, counting
from camsortxs.cli.runs import run_row, run_table
from camsortxs.offline.backfill import Tally
from camsortxs.records import Outcome
from camsortxs.summary import RunSummary
from camsortxs_agent.archive import catalogue
from camsortxs_agent.kafka import Place
from camsortxs_agent.replay.letters import Letter, unsettled
from camsortxs_agent.replay.line import ReplayLine
from camsortxs_agent.settings import Settings


class Session:
    """One replay: enter it, say what is to be read, leave it, and ask for the report."""

    def __init__(self, settings: Settings, *, screen: Console, output: Format, dry_run: bool) -> None:
        self._settings = settings
        self._screen = screen
        self._json = output is Format.JSON
        self._dry_run = dry_run
        self._tally = Tally(finished=self._finished)
        self._homeless: Counter[str] = Counter()
        self._letters: list[tuple[Letter, str | None]] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open the catalogue and load the model; errors as of `ReplayLine`."""
        archive = catalogue(self._settings.tiled)
        self._stack.callback(archive.close)
        self._line = ReplayLine(self._settings, archive, observers=[self._tally, self], dry_run=self._dry_run)
        self._progress: Progress = self._stack.enter_context(counting(self._screen))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close both, and the bar."""
        self._stack.close()

    def observe(self, outcome: Outcome) -> None:
        """Count what was refused and belongs to no frame."""
        self._homeless.update(item.reason for item in outcome.rejected if item.key is None)

    def letters(self, file: Path) -> None:
        """Read the runs of the letters of a file again; errors as of `ReplayLine.letters` and `unsettled`."""
        if not file.exists():
            why = "nothing was refused yet, or they lie elsewhere (--file)"
            self._screen.print(f"{file} is not there: {why}", markup=False, soft_wrap=True)
        letters = unsettled(file) if file.exists() else []
        bar = self._progress.add_task("letters", total=len(letters))
        self._letters = []
        for letter, trouble in self._line.letters(file, letters):
            self._letters.append((letter, trouble))
            self._progress.advance(bar)
            said = {"letter": letter.digest[:12], "reason": letter.reason, "runs": letter.runs, "left": trouble}
            self._say({**said, "settled": trouble is None and not self._dry_run})

    def documents(self, places: Sequence[Place], since: datetime | None) -> None:
        """Read documents of Kafka again; errors as of `ReplayLine.documents`."""
        bar = self._progress.add_task("messages", total=None)
        self._line.documents(
            places=places,
            since=since,
            sized=lambda messages: self._progress.update(bar, total=messages),
            moved=lambda messages: self._progress.advance(bar, messages),
        )

    def report(self) -> bool:
        """Print what came of it; say whether anything is left."""
        if not self._json:
            count = len(self._tally.recovered)
            verb = "would be read again" if self._dry_run else "read again"
            Console().print(run_table(self._tally.recovered, title=f"{count} runs {verb}") if count else "No run.")
            if self._letters is not None:
                Console().print(_letter_table(self._letters, dry_run=self._dry_run))
        for run, message in self._line.refused.items():
            complain(self._screen, "Not written", f"{run}: {message}")
        if self._line.unfinished:
            self._screen.print(f"{len(self._line.unfinished)} runs have not ended yet: {_few(self._line.unfinished)}")
        if self._letters is None:
            for reason, count in self._homeless.items():
                hint = ", of runs that began before: start earlier for them" if reason == "orphan" else ""
                self._screen.print(f"{count} documents refused: {reason}{hint}")
        return bool(self._line.refused) or any(trouble for _, trouble in self._letters or ())

    def _finished(self, run: str, summary: RunSummary) -> None:
        self._say({"run": run, **run_row(summary)})

    def _say(self, what: Mapping[str, Any]) -> None:
        if self._json:
            print(json.dumps(what), flush=True)  # noqa: T201 - this is the output


def _letter_table(letters: Sequence[tuple[Letter, str | None]], *, dry_run: bool) -> Table:
    counted = Counter((letter.reason, trouble) for letter, trouble in letters)
    settled = sum(count for (_, trouble), count in counted.items() if trouble is None)
    verb = "would be settled" if dry_run else "settled"
    table = Table("refused for", "letters", "now", title=f"{settled} of {len(letters)} dead letters {verb}")
    for (reason, trouble), count in counted.items():
        table.add_row(
            reason, str(count), f"[green]{verb}[/]" if trouble is None else f"[red]left:[/] {escape(trouble)}"
        )
    return table


def _few(runs: Sequence[str], *, shown: int = 3) -> str:
    return ", ".join(run[:8] for run in runs[:shown]) + (", ..." if len(runs) > shown else "")
