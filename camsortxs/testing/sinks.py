"""A sink that is a dictionary."""

from dataclasses import dataclass, field

from camsortxs.frames import FrameKey, Rejected, RunEnd
from camsortxs.records import Outcome, Record


@dataclass(kw_only=True)
class MemorySink:
    """Keeps what it is given, by key: writing the same outcome twice changes nothing.

    Each error in `failures` is raised once, before anything is written: how a real sink goes away and comes back.
    """

    records: dict[FrameKey, Record] = field(default_factory=dict)
    rejected: dict[tuple[str, str], Rejected] = field(default_factory=dict)
    ended: dict[str, RunEnd] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def write(self, outcome: Outcome) -> None:
        """Keep the outcome, or raise the next planned failure."""
        if self.failures:
            raise self.failures.pop(0)
        self.records.update({record.key: record for record in outcome.records})
        self.rejected.update({(item.reason, item.message): item for item in outcome.rejected})
        self.ended.update({end.run: end for end in outcome.ended})
