"""`python -m camsortxs_agent.demo`: progress on standard error, one JSON line on standard output."""

import json
import logging
import signal
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from camsortxs_agent.demo.folder import Folder
from camsortxs_agent.demo.processes import ChildFailed
from camsortxs_agent.demo.scenario import simulated
from camsortxs_agent.demo.show import Demo

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    frames: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Also send every detector file of this folder.")
    ] = None,
    out: Annotated[Path, typer.Option(file_okay=False, help="Where logs and contact sheet go.")] = Path("demo-out"),
    model: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Bundle to use instead of the shipped one.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Simulated live runs of each technique.")] = 3,
    per_run: Annotated[int, typer.Option(min=1, help="Frames in a simulated run.")] = 4,
    interval: Annotated[float, typer.Option(min=0.0, help="Seconds between two frames of a run.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the simulated frames.")] = 7,
) -> None:
    """Run the whole system on this machine: broker, Tiled, beamline, agent, back-fill; then check what was written.

    Exits with 1 when a run is untagged, tagged twice, or does not account for its frames.
    """
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would start with it ignored
    out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=out / "beamline.log", filemode="w", level=logging.WARNING, force=True)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)
    folder = Folder(frames) if frames else None
    try:
        # Some file readers print; standard output is for the summary alone.
        with redirect_stdout(sys.stderr):
            report, tiled = Demo(out=out, console=console, model=model, interval=interval).run(
                measurement
                for source in (simulated(runs=runs, frames=per_run, seed=seed), folder or ())
                for measurement in source
            )
            sheet = out / "contact_sheet.png"
            report.draw(sheet)
    except ChildFailed as error:
        console.print(f"[bold red]✗[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        console.print("interrupted; nothing is left running")
        raise typer.Exit(130) from None
    for path, reason in (folder.unread if folder else {}).items():
        console.print(f"[yellow]-[/] not readable: {escape(path)}: {escape(reason)}", highlight=False)
    problems = report.problems()
    for problem in problems:
        console.print(f"[bold red]✗[/] {escape(problem)}", highlight=False)
    if not problems:
        console.print(f"[bold green]✓[/] every run is tagged once in Tiled; contact sheet: {sheet}", highlight=False)
    line = report.line(tiled=tiled.uri, contact_sheet=sheet.resolve())
    typer.echo(json.dumps(line | ({"unread": len(folder.unread)} if folder else {})))
    raise typer.Exit(1 if problems else 0)


def _leave(_number: int, _frame: object) -> NoReturn:
    """Unwind on SIGTERM as on any exception, so that every child is ended."""
    raise SystemExit(143)


if __name__ == "__main__":
    app()
