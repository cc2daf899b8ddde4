"""Recovering the technique of archived runs: who keeps the tally while the one line does the work."""

from collections.abc import Callable
from dataclasses import dataclass, field

from camsortxs.records import Outcome
from camsortxs.summary import OpenRun, RunSummary, gather


def _ignore(run: str, summary: RunSummary) -> None:
    pass


@dataclass(kw_only=True)
class Tally:
    """An observer that sums up each run as it ends, and tells `finished` of it."""

    finished: Callable[[str, RunSummary], None] = _ignore
    recovered: dict[str, RunSummary] = field(default_factory=dict)
    _open: dict[str, OpenRun] = field(default_factory=dict)

    def observe(self, outcome: Outcome) -> None:
        """Note the frames of each run; sum up those that ended."""
        gather(self._open, outcome)
        for end in outcome.ended:
            summary = self._open.pop(end.run, OpenRun()).summary()
            self.recovered[end.run] = summary
            self.finished(end.run, summary)


class DryRun:
    """A sink that writes nothing: what would be recovered is only told."""

    def write(self, outcome: Outcome) -> None:
        """Do nothing with the outcome."""
