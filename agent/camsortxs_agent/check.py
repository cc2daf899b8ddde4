"""Whether the agent could work: each thing that it needs, tried once."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from camsortxs.cli.output import can_write
from camsortxs.errors import CamsortxsError
from camsortxs_agent import archive, serving
from camsortxs_agent.kafka import KafkaPublisher, config, topics_of
from camsortxs_agent.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the agent needs, whether it has it, and what was seen."""

    what: str
    good: bool
    detail: str


def perform(settings: Settings) -> Iterator[Finding]:
    """Try model, broker, Tiled and folders, one after another."""
    yield _try("model", lambda: serving.load_model(settings.model).model.reference)
    if settings.source == "kafka":
        yield _try("Kafka", lambda: _kafka(settings))
    yield _try("Tiled", lambda: _tiled(settings))
    if settings.dead_letters.path is not None:
        yield _try("dead letters", partial(_appendable, settings.dead_letters.path))
    for root in settings.pixels.roots:
        yield Finding(what="folder", good=root.is_dir(), detail=str(root) if root.is_dir() else f"{root} is not there")
    if not settings.pixels.roots:
        yield Finding(what="folder", good=True, detail="none allowed: only inline frames can be read")


def report(findings: Iterator[Finding]) -> bool:
    """Print the findings as a table; say whether all are good."""
    table = Table("", "what", "detail", title="Could the agent work?")
    good = True
    for finding in findings:
        table.add_row("[green]✓[/]" if finding.good else "[red]✗[/]", finding.what, escape(finding.detail))
        good = good and finding.good
    Console().print(table)
    return good


def _try(what: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(what=what, good=True, detail=attempt())
    except (CamsortxsError, httpx.HTTPError, OSError, KeyError, ValueError) as error:
        return Finding(what=what, good=False, detail=f"{type(error).__name__}: {error}")


def _kafka(settings: Settings) -> str:
    KafkaPublisher(config=config.producer(settings.kafka)).open()  # who publishes takes fewer settings than who reads
    topics = topics_of(config.common(settings.kafka))
    missing = [topic for topic in settings.kafka.topics if topic not in topics]
    note = f"; not there yet: {', '.join(missing)}" if missing else ""
    return f"{settings.kafka.bootstrap_servers}, {len(topics)} topics{note}"


def _appendable(path: Path) -> str:
    if not can_write(path):
        raise OSError(f"{path} cannot be written")
    return str(path)


def _tiled(settings: Settings) -> str:
    with closing(archive.catalogue(settings.tiled)) as catalogue:
        return f"{settings.tiled.uri}, {len(catalogue.raw)} entries"
