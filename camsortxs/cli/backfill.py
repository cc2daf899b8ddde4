"""`camsortxs backfill`: recover the technique of archived runs."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from camsortxs.cli.output import Format, complain, counting
from camsortxs.cli.runs import run_row, run_table
from camsortxs.errors import CamsortxsError, ModelError, SinkRejected
from camsortxs.offline.backfill import DryRun, Tally
from camsortxs.records import Outcome, Sink
from camsortxs.summary import RunSummary

_HELP = """Recover the technique of archived runs that nobody has tagged.

Finds complete runs without our tag, oldest first, classifies their frames and writes record and index, exactly as the
live agent would. It resumes by itself: what is tagged is not found again. The API key is taken from `--api-key-file`,
or from `TILED_API_KEY` as by every Tiled client. Exit code 1 when it had to stop (the same command goes on
from there), 2 when the model cannot be used, 3 when the catalogue refused runs for good (all the others were done).

Examples:

    camsortxs backfill https://tiled.example.org --raw-path raw --dry-run --limit 20

    camsortxs backfill my-databroker-profile
"""


def backfill(
    catalogue: Annotated[str, typer.Argument(help="Tiled URI, or a Tiled/databroker profile name.")],
    raw_path: Annotated[str, typer.Option(help="Container of the raw runs; empty for the root.")] = "",
    results_path: Annotated[str, typer.Option(help="Container of the records.")] = "camsortxs",
    model: Annotated[Path | None, typer.Option(help="Bundle to use instead of the shipped one.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after this many runs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be recovered, write nothing.")] = False,
    api_key_file: Annotated[Path | None, typer.Option(help="File that holds the Tiled API key.", exists=True)] = None,
    output: Annotated[Format, typer.Option("--format", help="Table, or one JSON object a run.")] = Format.TABLE,
) -> None:
    """Recover the technique of archived runs that nobody has tagged."""
    # Here, for Tiled's client takes longer to load than any other command to finish its help.
    import httpx

    from camsortxs.adapters.retry import RetryingSink
    from camsortxs.adapters.tiled import Catalogue, TiledRuns, TiledSink
    from camsortxs.cli.model import build_line

    screen = Console(stderr=True)
    key = SecretStr(api_key_file.read_text().strip()) if api_key_file else None
    archive = Catalogue(address=catalogue, api_key=key, raw_path=raw_path, results_path=results_path)
    refused: list[str] = []

    def note_refusal(outcome: Outcome, error: SinkRejected) -> None:
        refused.append(f"{', '.join(end.run for end in outcome.ended)}: {error}")

    written = TiledSink(archive, by="back-fill")
    sink: Sink = DryRun() if dry_run else RetryingSink(written, rejected=note_refusal, forget=written.forget)
    with closing(archive), counting(screen) as progress:
        bar = progress.add_task("runs", total=None)

        def finished(run: str, summary: RunSummary) -> None:
            progress.advance(bar)
            if output is Format.JSON:
                print(json.dumps({"run": run, **run_row(summary)}), flush=True)  # noqa: T201 - this is the output

        tally = Tally(finished=finished)
        source = TiledRuns(
            catalogue=archive,
            limit=limit,
            opened=lambda run, start: progress.update(bar, description=f"run {start.get('scan_id', run[:8])}"),
        )
        try:
            line = build_line(model, sink=sink, observers=[tally])
            progress.update(bar, total=source.count())
            line.run(source)
        except ModelError as error:
            complain(screen, "The model cannot be used", error)
            raise typer.Exit(2) from error
        except (CamsortxsError, httpx.HTTPError, KeyError) as error:
            complain(screen, "Stopped", f"{error}\nRun the same command again: it goes on where it stopped.")
            raise typer.Exit(1) from error
    if output is Format.TABLE:
        verb = "would be recovered" if dry_run else "recovered"
        count = len(tally.recovered)
        title = f"{count} runs {verb}" if count else "Every complete run is tagged already."
        Console().print(run_table(tally.recovered, title=title))
    for message in refused:
        complain(screen, "Not written", message)
    if refused:
        raise typer.Exit(3)


backfill.__doc__ = _HELP
