"""The leaderboard as a page: what was asked, of what data, who came out best, and what that does not mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from camsortxs.offline.estimators import CLASSIFIERS, TITLES
from camsortxs.offline.grid.board import RANKED_BY, Row, front, value_of
from camsortxs.offline.grid.figures import MEASURED, SIMULATED
from camsortxs.offline.grid.plan import UNIONS, Cell, Setting

TOP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page says beside its rows: data (and its digest), settings, command, cores, what was left out, sources."""

    data: Sequence[str]
    setting: Setting
    command: str
    cores: int
    left_out: Sequence[Cell]
    sources: int
    digest: str


def page(rows: Sequence[Row], told: Told) -> str:
    """Return the Markdown of a leaderboard; its plots lie in the folder `leaderboard` beside it."""
    origin = rows[0].judged_on
    minutes = sum(row.result.seconds for row in rows) / 60
    setting = told.setting
    left_out = f" Left out for want of time: {', '.join(map(str, told.left_out))}." if told.left_out else ""
    unions = "\n".join(f"- `{name}`: {', '.join(parts)}" for name, parts in UNIONS.items() if _occurs(name, rows))
    by = "source" if origin == MEASURED else "detector"
    return f"""# Leaderboard

{len(rows)} cells: representations and unions of them by {len(_classifiers(rows))} classifiers, ranked by balanced
accuracy on {origin} frames, every {by} weighing the same, image only.{left_out}

```console
$ {told.command}
```

{minutes:.0f} minutes of work in all, on a machine of {told.cores} cores. Written by this command: do not edit.

## How it was measured

{_listed(told.data)}
- Sha256 of this table of features, targets, groups and origins: `{told.digest}`.
- Nested cross-validation: {setting.folds} outer folds by group (simulated detector or measured source). No group is on
  both sides. In the training part of each fold pycaret chooses the settings of the classifier by log loss in
  {setting.inner} folds by group, and a temperature is fitted to what those folds leave out. Forests and boosting:
  {setting.trees} trees or rounds.
- Augmented copies of measured frames are learnt from and never scored; a copy has the group of its frame.
- Intervals (95 %) resample whole groups. Means over techniques are macro means.
- Time is that of one thread for one standardised frame: computing the features, then one row through onnxruntime.
  Reading and standardising the frame come on top, the same for all rows.

## Read this first

{_caveats(told, origin)}

## The best {min(TOP, len(rows))}

{_top(rows[:TOP], origin)}

![Balanced accuracy against time](leaderboard/accuracy-against-time.png)

On the Pareto front (nothing is both quicker and better): {", ".join(f"`{row.result.cell}`" for row in front(rows))}.

## Every cell at a glance

Balanced accuracy on {origin} frames, by {by}:

{_matrix(rows, origin)}

![The same as colours](leaderboard/cells.png)

## The best row, looked at closely

`{rows[0].result.cell}`, out of fold:

![Confusion by source](leaderboard/confusion-by-source.png)

![Reliability](leaderboard/reliability.png)

## The unions

{unions or "None."}

## All rows

To run one again, put `--only FEATURES:CLASSIFIER` after the command above; [leaderboard.csv](leaderboard.csv) spells
each command out, with every metric, its interval and the settings chosen in each fold.

{_all(rows, origin)}
"""


def _caveats(told: Told, origin: str) -> str:
    lines = []
    if origin == MEASURED:
        lines += [
            f"{told.sources} sources: one more source right or wrong moves a row by several hundredths. The intervals "
            "overlap for most of the board; do not read a rank as an order.",
            "The best of many rows is best partly by luck: its figure flatters it. Measure it on other frames before "
            "you rely on it.",
            "The makers looked at these frames while they developed simulation and features.",
        ]
    lines += [
        "The networks behind `lenet.*` and `deep.*` were trained once, on simulated frames of the same detectors, not "
        "anew in each fold: their figures on simulated frames are flattered, those on measured frames are not.",
        "Frames without signal are sorted out before a classifier is asked; here it is asked about all.",
        "What metadata adds is not in these figures.",
    ]
    return _listed(lines)


def _top(rows: Sequence[Row], origin: str) -> str:
    other = SIMULATED if origin == MEASURED else MEASURED
    lines = [
        "| | cell | balanced accuracy | accuracy | F1 | AUC | kappa | MCC | grazing | small/wide | surest 90 % "
        f"| surest 80 % | calibration error | {other}: balanced | us a frame | KiB |",
        "|--:|---|---|---|---|---|---|---|---|---|---|---|---|---|--:|--:|",
    ]
    for rank, row in enumerate(rows, start=1):
        shown = [
            _figure(row, origin, metric)
            for metric in (
                RANKED_BY, "accuracy", "f1", "auc", "kappa", "mcc",
                "grazing_accuracy", "angle_accuracy", "accuracy_at_90", "accuracy_at_80", "ece",
            )
        ]  # fmt: skip
        lines.append(
            f"| {rank} | `{row.result.cell}` | {' | '.join(shown)} | {_figure(row, other, RANKED_BY)} "
            f"| {row.microseconds:,.0f} | {_size(row)} |"
        )
    return "\n".join(lines)


def _matrix(rows: Sequence[Row], origin: str) -> str:
    scores = {row.result.cell: value_of(row, origin, RANKED_BY) for row in rows}
    names, classifiers = _features(rows), _classifiers(rows)
    lines = [
        f"| | numbers | features, us | {' | '.join(TITLES[name] for name in classifiers)} |",
        f"|---|--:|--:|{'--:|' * len(classifiers)}",
    ]
    for name in names:
        row = next(row for row in rows if row.result.cell.features == name)
        cells = [scores.get(Cell(features=name, classifier=classifier)) for classifier in classifiers]
        best = max(score for score in cells if score is not None)
        shown = ["" if s is None else f"**{s:.2f}**" if s == best else f"{s:.2f}" for s in cells]
        lines.append(f"| `{name}` | {row.numbers} | {row.features_microseconds:,.0f} | {' | '.join(shown)} |")
    medians = [
        median(score for cell, score in scores.items() if cell.classifier == classifier) for classifier in classifiers
    ]
    lines.append(f"| median | | | {' | '.join(f'{value:.2f}' for value in medians)} |")
    return "\n".join(lines)


def _all(rows: Sequence[Row], origin: str) -> str:
    lines = [
        "| | cell | balanced accuracy | accuracy | precision | F1 | AUC | kappa | MCC | calibration error "
        "| simulated: balanced | fit, s | features, us | classifier, us | KiB |",
        "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for rank, row in enumerate(rows, start=1):
        shown = [
            f"{value_of(row, origin, metric):.2f}"
            for metric in ("accuracy", "precision", "f1", "auc", "kappa", "mcc", "ece")
        ]
        lines.append(
            f"| {rank} | `{row.result.cell}` | {_figure(row, origin, RANKED_BY)} | {' | '.join(shown)} "
            f"| {value_of(row, SIMULATED, RANKED_BY):.2f} | {row.result.fit_seconds:.2f} "
            f"| {row.features_microseconds:,.0f} | {row.result.served.microseconds:,.0f} | {_size(row)} |"
        )
    reasons = [f"`{row.result.cell}`: {row.result.served.reason}" for row in rows if row.result.served.reason]
    return "\n".join(lines) + (f"\n\nNot converted to ONNX, timed in Python:\n\n{_listed(reasons)}" if reasons else "")


def _figure(row: Row, origin: str, metric: str) -> str:
    value = value_of(row, origin, metric)
    if np.isnan(value):
        return ""
    interval = row.figures[origin][metric]["interval"]
    return f"{value:.2f}" + (f" ({interval[0]:.2f}-{interval[1]:.2f})" if interval else "")


def _size(row: Row) -> str:
    return "" if row.result.served.bytes is None else f"{row.result.served.bytes / 1024:,.0f}"


def _features(rows: Sequence[Row]) -> list[str]:
    """Return what is looked at, in the order of the best row of each."""
    return list(dict.fromkeys(row.result.cell.features for row in rows))


def _classifiers(rows: Sequence[Row]) -> list[str]:
    there = {row.result.cell.classifier for row in rows}
    return [name for name in CLASSIFIERS if name in there]


def _occurs(name: str, rows: Sequence[Row]) -> bool:
    return any(row.result.cell.features == name for row in rows)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
