"""A labels.csv: what people say that frames show."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from camsortxs.errors import FrameError
from camsortxs.techniques import TECHNIQUES, Technique

NOTHING = ("", "none", "no_signal")
_COLUMNS = ("file", "technique", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A row of a labels.csv: what the frame at `path` (and `dataset`, `index` within it) shows.

    `technique` is None for a frame that shows none of the four, and `kind` says what instead: a dark, a flat field.
    """

    path: Path
    technique: Technique | None
    group: str
    dataset: str | None = None
    index: int | None = None
    kind: str | None = None

    @property
    def reference(self) -> str:
        """How the frame is named on the command line: `path`, `path::dataset[index]`, `path::[index]`."""
        place = (self.dataset or "") + ("" if self.index is None else f"[{self.index}]")
        return f"{self.path}::{place}" if place else str(self.path)


def read_labels(path: Path, folder: Path) -> list[Label]:
    """Read a labels.csv with the columns `file`, `technique`, `source` (and `hdf5_dataset`, `frame_index`, `kind`).

    Files are taken relative to `folder`. Techniques are told in either case; `no_signal`, `none` or nothing is none of
    the four.

    Raises
    ------
    FrameError
        With reason `bad_labels`, when the table is no text in UTF-8, or empty; when a column is missing, a technique is
        none of the four, a file is not named or a folder, or a frame is named twice.
    """
    labels: dict[str, Label] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:  # spreadsheets begin theirs with a mark
            rows = csv.DictReader(lines)
            if missing := sorted(set(_COLUMNS) - set(rows.fieldnames or ())):
                raise ValueError(
                    f"no column {', '.join(missing)}: columns are {', '.join(_COLUMNS)}, with commas between"
                )
            for row in rows:
                try:
                    label = _label(row, folder)
                    if label.reference in labels:
                        raise ValueError(f"{label.reference} for the second time")
                except ValueError as error:
                    raise ValueError(f"line {rows.line_num}: {error}") from error
                labels[label.reference] = label
    except UnicodeDecodeError as error:
        raise FrameError("bad_labels", f"{path} is not text in UTF-8: save it as such") from error
    except (ValueError, csv.Error, OSError) as error:
        raise FrameError("bad_labels", f"{path}: {error}") from error
    if not labels:
        raise FrameError("bad_labels", f"{path} has no row below its columns")
    return list(labels.values())


def _label(row: Mapping[str, str | None], folder: Path) -> Label:
    name = row["file"]
    if not name or "\0" in name:
        raise ValueError("no file")
    if (folder / name).is_dir():
        raise ValueError(f"{name} is a folder, not a file")
    index = row.get("frame_index")
    return Label(
        path=folder / name,
        technique=_technique((row["technique"] or "").strip()),
        group=row["source"] or "",
        dataset=row.get("hdf5_dataset") or None,
        index=int(index) if index else None,
        kind=row.get("kind") or None,
    )


def _technique(text: str) -> Technique | None:
    if text.lower() in NOTHING:
        return None
    try:
        return {str(technique).lower(): technique for technique in TECHNIQUES}[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is none of {', '.join(TECHNIQUES)}, no_signal") from None
