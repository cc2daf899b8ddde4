"""What the demo concludes: one JSON line, the contact sheet, and whether all went well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camsortxs.sheet import Picture, draw_sheet
from camsortxs.techniques import TECHNIQUES, Parent
from camsortxs_agent.demo.results import Heard
from camsortxs_agent.demo.verify import Found

_TRUE_OF: Mapping[str | None, tuple[str, ...]] = {
    technique: (
        Parent.UNKNOWN,
        Parent.GRAZING if technique.grazing else Parent.TRANSMISSION,
        Parent.WIDE if technique.wide else Parent.SMALL,
    )
    for technique in TECHNIQUES
}
_ORDER = ("SAXS", "WAXS", "GISAXS", "GIWAXS", "no_signal", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A run that the beamline took: what it really is (None: nobody knows), and its first frame as a picture."""

    run: str
    name: str
    truth: str | None
    frames: int
    live: bool
    thumbnail: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was taken, heard on the results topic, and found in Tiled; `seconds` is how long the live runs took."""

    taken: Sequence[Taken]
    found: Mapping[str, Found]
    heard: Mapping[str, Heard]
    seconds: float

    def correct(self, run: Taken) -> bool | None:
        """Whether the tag says what the run is; None where nobody knows or there is no tag."""
        tag = self.found[run.run].tag
        return None if run.truth is None or tag is None else tag["decided"] == run.truth

    def held_back(self, run: Taken) -> bool:
        """Whether the tag names no technique but says nothing wrong: "unknown", or a parent of what the run is."""
        tag = self.found[run.run].tag
        return tag is not None and run.truth in _TRUE_OF and tag["decided"] in _TRUE_OF[run.truth]

    def twice(self, run: Taken) -> bool:
        """Whether the run was tagged, recorded or counted twice."""
        heard = self.heard.get(run.run)
        return self.found[run.run].twice or (heard is not None and heard.repeated)

    def problems(self) -> list[str]:
        """Say, a line each, which runs are not as they must be: tagged once, complete, every frame accounted for."""
        lines = []
        for run in self.taken:
            found, where = self.found[run.run], f"{run.name} ({run.run[:8]})"
            if found.tag is None:
                lines.append(f"{where} has no tag")
                continue
            if self.twice(run):
                lines.append(f"{where} was tagged or recorded twice")
            if not found.complete:
                lines.append(f"{where} has lost its stop document")
            if run.live and found.tag["by"] != "live":
                lines.append(f"{where} was missed by the agent and tagged by the {found.tag['by']}")
            known = found.tag["frames"] + sum(found.rejected.values())
            if known != run.frames:
                lines.append(f"{where} has {run.frames} frames, its tag accounts for {known}")
        return lines

    def line(self, *, tiled: str, contact_sheet: Path) -> dict[str, Any]:
        """Return the summary that the demo ends with."""
        tags = [found.tag for found in self.found.values() if found.tag is not None]
        latencies = [latency for heard in self.heard.values() for latency in heard.latencies]
        p50, p99 = np.percentile(latencies, [50, 99]) * 1e3 if latencies else (None, None)
        live = sum(len(heard.frames) for heard in self.heard.values())
        return {
            "runs": len(self.taken),
            "tagged": len(tags),
            "correct": sum(self.correct(run) is True for run in self.taken),
            "duplicates": sum(self.twice(run) for run in self.taken),
            "frames": sum(tag["frames"] for tag in tags),
            "frames_per_second": round(live / self.seconds, 1) if self.seconds > 0 else None,
            "latency_ms_p50": None if p50 is None else round(float(p50), 1),
            "latency_ms_p99": None if p99 is None else round(float(p99), 1),
            "tiled": tiled,
            "contact_sheet": str(contact_sheet),
            "held_back": sum(self.held_back(run) for run in self.taken),
            "labelled": sum(run.truth is not None for run in self.taken),
            "rejected": sum(sum(found.rejected.values()) for found in self.found.values()),
        }

    def draw(self, path: Path) -> None:
        """Write the contact sheet."""
        runs = sorted(self.taken, key=lambda run: _ORDER.index(run.truth))
        line = self.line(tiled="", contact_sheet=path)
        wrong = line["labelled"] - line["correct"] - line["held_back"]
        draw_sheet(
            [self._picture(run) for run in runs],
            path,
            title=f"camSortXS: {line['runs']} runs, {line['tagged']} tagged",
            subtitle=f"of {line['labelled']} that we know: {line['correct']} right (green), "
            f"{line['held_back']} held back (grey), {wrong} wrong (red)",
        )

    def _picture(self, run: Taken) -> Picture:
        tag = self.found[run.run].tag
        return Picture(
            image=run.thumbnail,
            name=run.name if run.live else f"{run.name} (archive)",
            truth=run.truth,
            label=_label(self.found[run.run]),
            probability=None if tag is None else tag.get("probability"),  # a key without a value is not kept
            correct=False if tag is None else None if self.held_back(run) else self.correct(run),
        )


def _label(found: Found) -> str:
    if found.tag is None:
        return "untagged"
    if not found.tag["frames"] and found.rejected:
        return "refused: " + ", ".join(found.rejected)
    return str(found.tag["decided"])
