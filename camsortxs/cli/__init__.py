"""The command line: `camsortxs COMMAND`. One file a command; each registers itself on nothing but this app."""

import typer

from camsortxs import __version__
from camsortxs.cli.backfill import backfill
from camsortxs.cli.classify import classify
from camsortxs.cli.drift import drift
from camsortxs.cli.evaluate import evaluate
from camsortxs.cli.explain import explain
from camsortxs.cli.leaderboard import leaderboard
from camsortxs.cli.models import HELP, list_models, show, verify
from camsortxs.cli.promote import promote, rollback
from camsortxs.cli.realism import realism
from camsortxs.cli.retrain import retrain
from camsortxs.cli.simulate import simulate
from camsortxs.cli.train import train
from camsortxs.cli.train_embedding import train_embedding

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_show_locals=False)
app.command()(classify)
app.command()(explain)
app.command()(backfill)
app.command()(evaluate)
app.command()(simulate)
app.command()(train)
app.command()(retrain)
app.command()(leaderboard)
app.command()(train_embedding)
app.command()(realism)
app.command()(drift)

models = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help=HELP)
models.command("list")(list_models)
models.command()(show)
models.command()(verify)
models.command()(promote)
models.command()(rollback)
app.add_typer(models, name="models")


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Name the X-ray scattering technique of every detector frame."""
