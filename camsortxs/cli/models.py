"""`camsortxs models`: which bundles there are, whether they are whole, which one serves."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from camsortxs.cli.output import Format
from camsortxs.errors import ModelError

HELP = """Champion and challengers: list, inspect, verify, promote, roll back.

`champion.json` in the folder of models names the bundle that serves wherever no other is given: in `classify`, in
`backfill`, in the agent. `promotions.jsonl` beside it keeps every change. Without `--models` it is the folder of this
checkout, or of the installation.
"""

Models = Annotated[
    Path | None, typer.Option("--models", help="Folder of models; this installation's own, if not given.")
]
Output = Annotated[Format, typer.Option("--format", help="Table, or JSON.")]
screen = Console(stderr=True)


def paper() -> Console:
    """Return standard output: a pipe has no width of its own, and 80 columns fold every name."""
    return Console(width=None if sys.stdout.isatty() else 120)


def unusable(error: Exception, code: int = 2) -> typer.Exit:
    """Say what cannot be used and return the exit of a command that ends there."""
    screen.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
    return typer.Exit(code)


def models_folder(given: Path | None) -> Path:
    """Return the folder of models that is meant.

    Raises
    ------
    typer.Exit
        With code 2, when it is not there.
    """
    from camsortxs.classifiers.bundle import default_models

    try:
        folder = given or default_models()
    except ModelError as error:
        raise unusable(error) from error
    if not folder.is_dir():
        raise unusable(ModelError(f"{folder} is not there: give a folder of models with --models"))
    return folder


def list_models(models: Models = None, output: Output = Format.TABLE) -> None:
    """Show every bundle and which one is the champion; exit code 3 when one is not usable.

    For example:

        camsortxs models list

        camsortxs models list --models models/ --format json
    """
    from camsortxs.offline.registry import entries

    try:
        rows = [_row(entry) for entry in entries(models_folder(models))]
    except ModelError as error:
        raise unusable(error) from error
    if output is Format.JSON:
        print(json.dumps(rows))  # noqa: T201 - this is the output
    else:
        paper().print(_table(rows))
    if any(row["problem"] for row in rows):
        raise typer.Exit(3)


def show(
    model: Annotated[str | None, typer.Argument(help="NAME/VERSION; the champion, if not given.")] = None,
    models: Models = None,
    output: Output = Format.TABLE,
) -> None:
    """Show what a bundle is and how good: the figures of its card, or its whole manifest as JSON.

    For example:

        camsortxs models show

        camsortxs models show first/0.2.0 --format json | jq .metrics
    """
    from camsortxs.classifiers.bundle import load_bundle
    from camsortxs.offline.registry import model_of

    folder = models_folder(models)
    try:
        bundle = load_bundle(folder / model_of(model) if model else folder)
    except ModelError as error:
        raise unusable(error) from error
    if output is Format.JSON:
        print(bundle.manifest.model_dump_json())  # noqa: T201 - this is the output
        return
    from rich.markdown import Markdown

    card = bundle.folder / "MODEL_CARD.md"
    if not card.is_file():
        raise unusable(ModelError(f"{bundle.folder} has no MODEL_CARD.md: see its manifest with --format json"))
    paper().print(Markdown(card.read_text(encoding="utf-8")))


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL...]", help="NAME/VERSION; the champion, if none is given.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every bundle of the folder.")] = False,
    models: Models = None,
    output: Output = Format.TABLE,
) -> None:
    """Check every sha256, that it loads, that golden rows and golden frames come out as noted.

    Exit code 2 when anything is not as it should be. What an older bundle does not carry is said, and is no error.

    For example:

        camsortxs models verify

        camsortxs models verify --all --models models/
    """
    from camsortxs.classifiers.champion import champion_of
    from camsortxs.offline.registry import entries, model_of
    from camsortxs.offline.registry import verify as check

    folder = models_folder(models)
    try:
        if every:
            chosen = [entry.folder for entry in entries(folder)]
        else:
            chosen = [folder / model_of(name) for name in names or ()] or [champion_of(folder)]
    except ModelError as error:
        raise unusable(error) from error
    found = {"/".join(one.parts[-2:]): check(one) for one in chosen}
    if output is Format.JSON:
        plain = {name: [{"what": c.what, "good": c.good, "detail": c.detail} for c in v] for name, v in found.items()}
        print(json.dumps(plain))  # noqa: T201 - this is the output
    else:
        table = Table("", "model", "what", "detail")
        for name, checks in found.items():
            for one in checks:
                mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]-[/]"}[one.good]
                table.add_row(mark, name, one.what, escape(one.detail))
        paper().print(table)
    if any(one.good is False for checks in found.values() for one in checks):
        raise typer.Exit(2)


def _row(entry: Any) -> dict[str, Any]:
    manifest = entry.manifest
    figure = {} if manifest is None else _figure(manifest.metrics)
    return {
        "model": entry.model,
        "champion": entry.champion,
        "estimator": manifest and manifest.estimator,
        "features": manifest and len(manifest.features.names),
        "megabytes": round(entry.bytes / 1e6, 3),
        "balanced_accuracy": figure.get("value"),
        "interval": figure.get("interval"),
        "judged_on": figure.get("judged_on"),
        "problem": entry.problem,
    }


def _figure(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the balanced accuracy out of fold, by group; an older bundle may have noted it in no such place."""
    try:
        figures = metrics["out_of_fold"]
        return {"judged_on": figures.get("judged_on", "simulated"), **figures["by_group"]["balanced_accuracy"]}
    except (KeyError, TypeError, AttributeError):
        return {}


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{len(rows)} models" if rows else "No model yet: train one with `camsortxs train`")
    table.add_column("", width=1)
    for heading in ("model", "estimator", "features", "MB", "balanced accuracy", "95 %", "on frames"):
        table.add_column(heading, justify="left" if heading in ("model", "estimator") else "right", overflow="fold")
    for row in rows:
        if row["problem"]:
            table.add_row("", row["model"], escape(row["problem"]), style="red")
            continue
        value, interval = row["balanced_accuracy"], row["interval"]
        table.add_row(
            "★" if row["champion"] else "",
            row["model"],
            row["estimator"],
            str(row["features"]),
            f"{row['megabytes']:.1f}",
            "" if value is None else f"{value:.3f}",
            "" if not interval else f"{interval[0]:.2f} - {interval[1]:.2f}",
            row["judged_on"] or "",
        )
    table.caption = "★ champion; balanced accuracy out of fold, every group alike" if rows else None
    return table
