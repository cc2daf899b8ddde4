"""The options that say what to learn from: the same for `train`, `leaderboard` and `retrain`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from camsortxs.cli.output import complain, counting
from camsortxs.errors import ModelError

if TYPE_CHECKING:
    from camsortxs.cli.sources import Archive
    from camsortxs.features.chain import Chain
    from camsortxs.offline.cache import FeatureCache
    from camsortxs.offline.gather import Gathered
    from camsortxs.offline.pieces import LabelledSource

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """What the options say. A command takes it as its `data`, see `with_data`."""

    simulated: Annotated[int, typer.Option(min=0, help="How many frames of the four techniques to draw.")] = 6000
    nothing: Annotated[int, typer.Option(min=0, help="How many to draw that show none of them.")] = 0
    seed: Annotated[int, typer.Option(help="Of the draw, the copies, the folds and the trees.")] = 1
    labels: Annotated[
        list[Path] | None, typer.Option(help="A table of labels, as `evaluate` reads it; repeatable.", exists=True)
    ] = None
    frames: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that the files of each --labels are relative to, in the same order; else its own."),
    ] = None
    tiled: Annotated[
        str | None, typer.Option(help="Tiled URI or databroker profile of an archive with labelled runs.")
    ] = None
    raw_path: Annotated[str, typer.Option(help="Container of its raw runs; empty for the root.")] = ""
    query: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE that the start document must have; repeatable.")
    ] = None
    label_key: Annotated[
        str | None, typer.Option(help="Key of the start document that names the technique where no human label does.")
    ] = None
    group_key: Annotated[
        str | None, typer.Option(help="Key of the start document to split by; else instrument and sample.")
    ] = None
    data_key: Annotated[str | None, typer.Option(help="The detector, where runs have several.")] = None
    per_run: Annotated[int, typer.Option(min=1, help="Frames of a run, at most.")] = 3
    api_key_file: Annotated[Path | None, typer.Option(help="File that holds the Tiled API key.", exists=True)] = None
    copies: Annotated[
        int, typer.Option(min=0, help="Copies of each measured frame, as other instruments would record it.")
    ] = 0
    cache: Annotated[
        Path | None, typer.Option(help="File that keeps features.", show_default="camsortxs/features.sqlite in yours")
    ] = None
    processes: Annotated[int, typer.Option(min=1, help="Processes to read and featurize in.")] = 1
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler to use instead, as tcp://host:port.")] = None

    def sources(self) -> "list[LabelledSource]":
        """Return what frames are to come from.

        Raises
        ------
        ModelError
            When the options do not fit together, or name nothing.
        """
        from camsortxs.cli.sources import DrawnFrames, FolderTable
        from camsortxs.simulate import KINDS
        from camsortxs.techniques import TECHNIQUES

        tables, folders = self.labels or [], self.frames or []
        if folders and len(folders) != len(tables):
            raise ModelError(f"{len(folders)} --frames for {len(tables)} --labels: give one for each, or none")
        sources: list[LabelledSource] = []
        techniques = tuple(map(str, TECHNIQUES))
        empty = tuple(kind for kind in KINDS if kind not in techniques)
        for kinds, number in ((techniques, self.simulated), (empty, self.nothing)):
            if number:
                sources.append(DrawnFrames(kinds=kinds, number=number, seed=self.seed))
        folders = folders or [table.parent for table in tables]
        sources += [FolderTable(labels=t, folder=f) for t, f in zip(tables, folders, strict=True)]
        if self.tiled:
            sources.append(self._archive(self.tiled))
        if not sources:
            raise ModelError("nothing to learn from: give --simulated, --labels or --tiled")
        return sources

    def _archive(self, address: str) -> "Archive":
        from pydantic import SecretStr

        from camsortxs.adapters.tiled import Catalogue
        from camsortxs.cli.sources import Archive

        key = SecretStr(self.api_key_file.read_text().strip()) if self.api_key_file else None
        return Archive(
            catalogue=Catalogue(address=address, api_key=key, raw_path=self.raw_path),
            query=dict(map(_pair, self.query or ())),
            label_key=self.label_key,
            group_key=self.group_key,
            data_key=self.data_key,
            per_run=self.per_run,
        )

    @contextmanager
    def kept(self, screen: Console) -> "Iterator[FeatureCache]":
        """Open the cache of features."""
        from platformdirs import user_cache_path

        from camsortxs.offline.cache import FeatureCache

        def told(message: str) -> None:
            screen.print(f"[yellow]{escape(message)}[/]", soft_wrap=True)

        with FeatureCache(self.cache or user_cache_path("camsortxs") / "features.sqlite", told=told) as cache:
            yield cache

    def gather(self, chain: "Chain", screen: Console) -> "Gathered":
        """Return the features of all frames, and show how far it is and what could not be read.

        Raises
        ------
        ModelError
            When the options do not fit together, or no frame can be read.
        FrameError
            When a table of labels cannot be used.
        SourceError
            When a server is out of reach.
        """
        return self.gather_from(self.sources(), chain, screen)

    def gather_from(self, sources: "Sequence[LabelledSource]", chain: "Chain", screen: Console) -> "Gathered":
        """Do the same with other sources."""
        from camsortxs.offline.gather import gather

        total = sum(source.count() for source in sources)
        with self.kept(screen) as cache, counting(screen) as progress:
            bar = progress.add_task("frames", total=total)
            gathered = gather(
                sources,
                chain,
                cache=cache,
                processes=self.processes,
                scheduler=self.scheduler,
                copies=self.copies,
                seed=self.seed,
                step=lambda: progress.advance(bar),
            )
        for refused in gathered.failed[:_SHOWN]:
            where = refused.origin.get("path", "")
            complain(screen, "not read", f"{where}: {refused.reason}: {refused.message}")
        if (more := len(gathered.failed) - _SHOWN) > 0:
            complain(screen, "not read", f"{more} more")
        return gathered

    def spelt(self) -> list[str]:
        """Return the options that say which data these are, as words of a command; paths by their last two parts.

        What does not change the data (processes, cache, keys to servers) is left out.
        """
        words: list[str] = []
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _UNSAID or (value == item.default and item.name not in ("simulated", "seed")):
                continue
            for one in value if isinstance(value, list) else [value]:
                text = str(Path(*one.parts[-2:])) if isinstance(one, Path) else str(one).split("?")[0]
                words += [f"--{item.name.replace('_', '-')}", text]
        return words


_UNSAID = ("cache", "processes", "scheduler", "api_key_file")


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ModelError(f"--query {text!r} is not KEY=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
