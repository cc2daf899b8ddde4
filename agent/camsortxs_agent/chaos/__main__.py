"""`python -m camsortxs_agent.chaos`: progress on standard error, one JSON line on standard output."""

import json
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from camsortxs_agent.chaos.documents import send_many
from camsortxs_agent.chaos.kills import kill_many
from camsortxs_agent.chaos.kinds import KINDS, endure_all
from camsortxs_agent.chaos.stage import open_stage
from camsortxs_agent.demo.processes import ChildFailed
from camsortxs_agent.demo.tiled_server import embedded_tiled

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)

Out = Annotated[Path, typer.Option(file_okay=False, help="Where logs go.")]
Seed = Annotated[int, typer.Option(help="Of all that is random.")]


@app.callback()
def main() -> None:
    """Break the agent on purpose, with everything real and on this machine; exits with 1 when it cost anything."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@app.command()
def kills(
    kills: Annotated[int, typer.Option(min=0, help="How many times an agent is killed.")] = 200,
    agents: Annotated[int, typer.Option(min=1, help="Agents in the consumer group.")] = 3,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the topic.")] = 6,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two kills, on average.")] = 4.0,
    rate: Annotated[float, typer.Option(min=0.01, help="Runs begun a second.")] = 0.5,
    session: Annotated[float, typer.Option(min=0.5, help="Session timeout of the group, seconds.")] = 3.0,
    patience: Annotated[float, typer.Option(help="Seconds that the last runs may take.")] = 300.0,
    seed: Seed = 6,
    out: Out = Path("soak-out"),
) -> None:
    """Kill agents at random moments under load; read every run back from Tiled."""
    out.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    with _failures(console), open_stage(seed=seed, partitions=partitions, session_seconds=session, logs=out) as stage:
        with Progress(console=console) as progress:
            task = progress.add_task("killing", total=kills)

            def told(done: int, runs: int) -> None:
                progress.update(task, completed=done, description=f"{done} kills, {runs} runs")

            found = kill_many(
                stage, kills=kills, agents=agents, seed=seed, every=every, rate=rate, patience=patience, logs=out,
                told=told,
            )  # fmt: skip
    line = found.line()
    _report(console, "kill -9", line)
    raise typer.Exit(0 if found.cost.nothing and not any(found.exit_codes) else 1)


@app.command()
def outages(
    seconds: Annotated[float, typer.Option(min=1.0, help="How long each outage lasts.")] = 600.0,
    rate: Annotated[float, typer.Option(min=0.01, help="Runs begun a second, for each agent.")] = 0.05,
    only: Annotated[list[str] | None, typer.Option(help=f"One of: {', '.join(KINDS)}.")] = None,
    seed: Seed = 6,
    out: Out = Path("soak-out"),
) -> None:
    """Take away Tiled, the broker, the disk, the clock, all at the same time, each from an agent of its own."""
    out.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    names = only or list(KINDS)
    with tempfile.TemporaryDirectory(prefix="camsortxs-soak-") as name:
        folder = Path(name).resolve()
        with (
            _failures(console),
            embedded_tiled(folder / "tiled", log=out / "tiled.log") as tiled,
            console.status(f"{len(names)} outages of {seconds:.0f} s"),
        ):
            found = endure_all(names, tiled, seconds=seconds, rate=rate, seed=seed, folder=folder, logs=out)
    table = Table("outage", "seconds", "runs", "not ready after", "because", "ready after", "all runs after", "cost")
    for name, one in zip(names, found, strict=True):
        if isinstance(one, Exception):
            table.add_row(name, "", "", "", escape(str(one)[:200]), "", "", "[red]failed[/]")
            continue
        cost = f"{len(one.cost.lost)} lost, {len(one.cost.twice)} twice, {len(one.cost.wrong)} wrong"
        told = [str(value) for value in (one.seconds, one.cost.runs, one.noticed)]
        table.add_row(name, *told, "; ".join(one.said.values()), str(one.ready), str(one.recovered), cost)
    console.print(table)
    typer.echo(json.dumps([str(one) if isinstance(one, Exception) else one.line() for one in found]))
    raise typer.Exit(int(any(isinstance(one, Exception) or not one.cost.nothing for one in found)))


@app.command()
def documents(
    documents: Annotated[int, typer.Option(min=1, help="How many documents are sent.")] = 1_000_000,
    per_run: Annotated[int, typer.Option(min=1, help="Events in a run.")] = 5000,
    seed: Seed = 6,
    out: Out = Path("soak-out"),
) -> None:
    """Send very many documents without pixels through one agent: memory, files and threads."""
    out.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    with _failures(console), open_stage(seed=seed, logs=out) as stage, Progress(console=console) as progress:
        task = progress.add_task("documents", total=documents)
        found = send_many(
            stage, documents=documents, per_run=per_run, logs=out,
            told=lambda sent: progress.update(task, completed=sent),
        )  # fmt: skip
    table = Table("documents", "memory, kB", "files", "threads", title=f"{found.slope} kB per 100,000 documents")
    for held in found.held:
        table.add_row(*map(str, (held.documents, held.memory, held.files, held.threads)))
    console.print(table)
    typer.echo(json.dumps({**asdict(found), "flat": found.flat}))
    raise typer.Exit(0 if found.flat else 1)


def _report(console: Console, title: str, line: Mapping[str, Any]) -> None:
    cost = line.get("cost", {})
    rows = {**{name: value for name, value in line.items() if name != "cost"}, **cost}
    table = Table("what", "found", title=title)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), str(len(value) if name in ("lost", "twice", "wrong") else value))
    console.print(table)
    typer.echo(json.dumps(line))


@contextmanager
def _failures(console: Console) -> Iterator[None]:
    """Say what failed in one line, and leave with 1."""
    try:
        yield
    except ChildFailed as error:
        console.print(f"[bold red]✗[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(1) from error


def _leave(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    app()
