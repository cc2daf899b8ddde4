"""The command line of the agent: `camsortxs-agent COMMAND`."""

import sys
from functools import partial
from typing import Annotated

import typer

from camsortxs import __version__
from camsortxs_agent import log
from camsortxs_agent.options import Config, load_settings
from camsortxs_agent.replay import replay
from camsortxs_agent.settings import schema_json

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_show_locals=False)


@app.command()
def run(config: Config = None) -> None:
    """Name the technique of every frame that comes, until SIGTERM.

    Exit codes: 0 after a signal, 1 when Kafka refuses us or something unforeseen happens, 2 when the model or the
    settings are not to be used.

    For example:

        camsortxs-agent run --config /etc/camsortxs/agent.toml

        CAMSORTXS_TILED__API_KEY=secret camsortxs-agent run --config agent.toml
    """
    settings = load_settings(config)
    log.configure(level=settings.log.level, format=settings.log.format)
    # Here, for Tiled's client takes seconds to load: bad settings are told of before that, and so is --help.
    from camsortxs_agent import service, wiring

    raise typer.Exit(service.run(partial(wiring.build, settings)))


@app.command()
def check(config: Config = None) -> None:
    """Say whether the agent could work: model, broker, Tiled, folders. Exit code 1 when not.

    For example:

        camsortxs-agent check --config agent.toml
    """
    settings = load_settings(config)
    log.configure(level="error", format="console")
    from camsortxs_agent import check as checks

    raise typer.Exit(0 if checks.report(checks.perform(settings)) else 1)


app.command()(replay)


@app.command()
def settings_schema() -> None:
    """Print the JSON Schema of the settings.

    For example:

        camsortxs-agent settings-schema > settings.schema.json
    """
    sys.stdout.write(schema_json())


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Listen to Bluesky documents on Kafka, name the X-ray scattering technique of every frame, write it to Tiled."""


if __name__ == "__main__":
    app()
