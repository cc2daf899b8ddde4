"""What `camsortxs evaluate` found, as tables in the terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from camsortxs.cli.output import complain

TITLES = {"image_only": "image alone", "with_metadata": "with metadata"}


def show(report: dict[str, Any], screen: Console) -> None:
    """Print figures, confusion, sources and what is still wrong; each with and without metadata."""
    for mode in TITLES:
        if (part := report[mode]) is not None:
            screen.print(_figures(part, f"{report['model']}, {TITLES[mode]}"))
            screen.print(_confusion(part))
    if report["frames"]:
        screen.print(_sources(report))
        screen.print(_wrong(report))
    nothing = report["nothing"]
    if nothing["frames"]:
        screen.print(f"{nothing['frames']} frames show none of the four: {nothing['withheld']:.0%} were named none")
        for kind, one in nothing["kinds"].items() if len(nothing["kinds"]) > 1 else ():
            screen.print(f"  {kind}: {one['withheld']:.1%} of {one['frames']}")
    if report["out_of_fold"]:
        screen.print(
            f"{report['out_of_fold']} of the frames were trained on: what counts for them is what was said while their "
            "sources were held out",
            soft_wrap=True,
        )
    if report["learnt_from"]:
        seen = ", ".join(report["learnt_from"])
        why = f"the model has seen {seen}, and the bundle does not say what it said before"
        complain(screen, "Too good to be true", why)
    for error in report["errors"]:
        complain(screen, "not read", f"{error['path']}: {error['error']}")


def _figures(part: dict[str, Any], title: str) -> Table:
    table = Table(title=f"{title}: {part['frames']} frames of {part['groups']} sources")
    for heading in ("metric", "by frame", "95 %", "by source", "95 %"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name in part["by_frame"]:
        cells = [_cells(part[by][name]) for by in ("by_frame", "by_group")]
        table.add_row(name, *cells[0], *cells[1])
    return table


def _confusion(part: dict[str, Any]) -> Table:
    table = Table(title="rows: truth, columns: most probable")
    table.add_column("")
    for name in next(iter(part["confusion"].values())):
        table.add_column(name, justify="right")
    for truth, row in part["confusion"].items():
        table.add_row(truth, *map(str, row.values()))
    return table


def _sources(report: dict[str, Any]) -> Table:
    table = Table(title="right, of all, by source")
    for heading in ("source", "frames", *TITLES.values()):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for source, one in report["sources"].items():
        table.add_row(escape(source), str(one["frames"]), *(str(one[mode]) for mode in TITLES))
    return table


def _wrong(report: dict[str, Any]) -> Table:
    table = Table(title="frames named wrongly")
    for heading in ("file", "truth", "most probable", "p", "named", "from"):
        table.add_column(heading, justify="right" if heading == "p" else "left", overflow="fold")
    for one in report["wrong"]:
        table.add_row(
            escape(one["file"]),
            one["truth"],
            one["most_probable"] or "",
            "" if one["probability"] is None else f"{one['probability']:.2f}",
            one["decided"],
            TITLES[one["mode"]],
        )
    return table


def _cells(figure: dict[str, Any]) -> tuple[str, str]:
    value, interval = figure["value"], figure["interval"]
    return (
        "" if value is None else f"{value:.3f}",
        "" if interval is None else f"{interval[0]:.2f} - {interval[1]:.2f}",
    )
