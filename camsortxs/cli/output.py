"""How a command prints."""

from enum import StrEnum

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Format(StrEnum):
    """A table for people, or one JSON object a line for programs."""

    TABLE = "table"
    JSON = "json"


def counting(screen: Console, *, transient: bool = False) -> Progress:
    """Return a bar that says what is worked on, how much is done, and how long the rest may take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=screen, transient=transient)
