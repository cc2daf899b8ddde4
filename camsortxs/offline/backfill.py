"""Recovering the technique of archived runs: who keeps the tally while the one line does the work."""

from collections.abc import Callable
from dataclasses import dataclass, field

from camsortxs.frames import Rejected
from camsortxs.records import Outcome, Record
from camsortxs.summary import RunSummary, summarise


def _ignore(run: str, summary: RunSummary) -> None:
    pass


@dataclass(kw_only=True)
class Tally:
    """An observer that sums up each run as it ends, and tells `finished` of it."""

    finished: Callable[[str, RunSummary], None] = _ignore
    recovered: dict[str, RunSummary] = field(default_factory=dict)
    _records: dict[str, list[Record]] = field(default_factory=dict)
    _rejected: dict[str, list[Rejected]] = field(default_factory=dict)

    def observe(self, outcome: Outcome) -> None:
        """Note the frames of each run; sum up those that ended."""
        for record in outcome.records:
            self._records.setdefault(record.key.run, []).append(record)
        for item in outcome.rejected:
            if item.key is not None:
                self._rejected.setdefault(item.key.run, []).append(item)
        for end in outcome.ended:
            summary = summarise(self._records.pop(end.run, []), self._rejected.pop(end.run, []))
            self.recovered[end.run] = summary
            self.finished(end.run, summary)


class DryRun:
    """A sink that writes nothing: what would be recovered is only told."""

    def write(self, outcome: Outcome) -> None:
        """Do nothing with the outcome."""
