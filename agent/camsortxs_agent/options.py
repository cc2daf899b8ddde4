"""What several commands are given."""

from pathlib import Path
from typing import Annotated

import typer

from camsortxs_agent.service import Exit
from camsortxs_agent.settings import Settings, SettingsInvalid

Config = Annotated[
    Path | None,
    typer.Option(help="TOML file; `CAMSORTXS_*` environment variables go before it.", dir_okay=False),
]


def load_settings(path: Path | None) -> Settings:
    """Return the settings; say what is wrong with them and exit, where they are not to be used."""
    try:
        return Settings.load(path)
    except SettingsInvalid as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.BAD_MODEL) from error
