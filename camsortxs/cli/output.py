"""How a command prints."""

import os
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Format(StrEnum):
    """A table for people, or one JSON object a line for programs."""

    TABLE = "table"
    JSON = "json"


def complain(screen: Console, what: str, why: object) -> None:
    """Say what went wrong, in red, and why: names of files and words of others are printed as they are."""
    screen.print(f"[red]{what}:[/] {escape(str(why))}", soft_wrap=True)


def can_write(path: Path) -> bool:
    """Say whether a file can be written there: a new one, in folders that may have to be made, or that one anew."""
    there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    return not path.is_dir() and (there == path.absolute() or there.is_dir()) and os.access(there, os.W_OK)


def writable(path: Path | None) -> Path | None:
    """Check, as the callback of an option and before any work, that a file can be written there.

    Raises
    ------
    typer.BadParameter
        When it cannot.
    """
    if path is not None and not can_write(path):
        raise typer.BadParameter(f"{path} cannot be written")
    return path


def counting(screen: Console, *, transient: bool = False) -> Progress:
    """Return a bar that says what is worked on, how much is done, and how long the rest may take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=screen, transient=transient)
