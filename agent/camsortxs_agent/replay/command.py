"""`camsortxs-agent replay`: three ways to say what is to be read once more."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from camsortxs.cli.output import Format, complain
from camsortxs.errors import CamsortxsError, ModelError
from camsortxs_agent import log
from camsortxs_agent.options import Config, load_settings
from camsortxs_agent.service import Exit

_LEFT = 3
_HELP = """Read once more what was refused, or what never arrived, and write what comes of it to Tiled.

`--from-dead-letters` reads the runs that the dead letters are about from the catalogue. A run whose file came late,
say, then gets the record that it should have had; a letter that is settled is noted beside the file, and passed over
the next time. `--from-offset` and `--from-time` read the documents in Kafka again, up to the present end. They stay out
of the group of the agent, which may be at work meanwhile.

Nothing is written twice: a run keeps its record and its index unless the new reading found more frames. What a person
wrote on it stays.

Exit codes: 0 when all is done, 1 when it had to stop (run it again), 2 when model or settings are not to be used, 3
when something is left that could not be written or settled.

For example:

    camsortxs-agent replay --config agent.toml --from-dead-letters --dry-run

    camsortxs-agent replay --config agent.toml --from-offset bluesky:0:1234 --from-offset bluesky:1:980

    camsortxs-agent replay --config agent.toml --from-time 2026-11-22T06:00
"""


def replay(
    config: Config = None,
    from_dead_letters: Annotated[
        bool, typer.Option("--from-dead-letters", help="The runs that the dead letters are about.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(help="The dead letters, instead of those of the settings.", exists=True, dir_okay=False),
    ] = None,
    from_offset: Annotated[
        list[str] | None,
        typer.Option(metavar="TOPIC:PARTITION:OFFSET", help="A place in Kafka; once for each partition."),
    ] = None,
    from_time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Every topic of the settings since then (ISO 8601; local, if it names none)."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, write nothing.")] = False,
    output: Annotated[Format, typer.Option("--format", help="Table, or one JSON object a line.")] = Format.TABLE,
) -> None:
    """Read once more what was refused, or what never arrived."""
    if (bool(from_dead_letters or file), bool(from_offset), from_time is not None).count(True) != 1:
        raise typer.BadParameter("say one of --from-dead-letters, --from-offset and --from-time")
    # Here, for they take longer to load than any other command to finish its help; Tiled's client, below, still longer.
    from camsortxs_agent.kafka import Place

    try:
        places = [Place.parsed(text) for text in from_offset or ()]
        since = datetime.fromisoformat(from_time).astimezone() if from_time else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    settings = load_settings(config)
    log.configure(level="warning", format="console")
    screen = Console(stderr=True)
    import httpx

    from camsortxs_agent.replay.session import Session

    session = Session(settings, screen=screen, output=output, dry_run=dry_run)
    try:
        with session:
            if places or since:
                session.documents(places, since)
            else:
                session.letters(file or settings.dead_letters.path)
    except ModelError as error:
        complain(screen, "The model cannot be used", error)
        raise typer.Exit(Exit.BAD_MODEL) from error
    except (CamsortxsError, httpx.HTTPError, OSError, KeyError) as error:
        complain(screen, "Stopped", f"{error}\nRun the same command again: what is done is not done twice.")
        raise typer.Exit(Exit.FAILED) from error
    if session.report():
        raise typer.Exit(_LEFT)


replay.__doc__ = _HELP
