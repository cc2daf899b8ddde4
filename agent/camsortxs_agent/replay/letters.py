"""The dead letters in the file, and which of them are settled: the file is evidence, and nobody rewrites it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from camsortxs.frames import FrameKey
from camsortxs_agent.dead_letters import append


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter without the bytes: why it was written, which runs it is about, and the frame, where it is one's.

    `digest` is the SHA-256 of its line, `place` where the message lies that it came from.
    """

    digest: str
    reason: str
    runs: tuple[str, ...] = ()
    frame: FrameKey | None = None
    place: str | None = None


def unsettled(file: Path) -> list[Letter]:
    """Return the letters of a file that `settle` was never told of, oldest first.

    A last line that is cut short is left to whoever is writing it.

    Raises
    ------
    OSError
        When the file, or the list of settled ones beside it, cannot be read.
    """
    beside = settled_beside(file)
    settled = {digest for line in _lines(beside) if (digest := _settled(line))} if beside.exists() else set()
    return [letter for line in _lines(file) if (letter := _parsed(line)).digest not in settled]


def settle(file: Path, letter: Letter) -> None:
    """Note that a letter is settled, in a file beside its own, so that the next replay passes it over."""
    now = datetime.now(UTC).isoformat()
    noted = {"letter": letter.digest, "time": now, "reason": letter.reason, "runs": letter.runs}
    append(settled_beside(file), json.dumps(noted).encode() + b"\n")


def settled_beside(file: Path) -> Path:
    """Return where the settled ones are noted.

    >>> settled_beside(Path("/var/lib/camsortxs/dead.jsonl")).name
    'dead.settled.jsonl'
    """
    return file.with_name(f"{file.stem}.settled{file.suffix}")


def _settled(line: bytes) -> str | None:
    """Return whose settlement a line notes; None for one that is damaged: that letter is looked at once more."""
    try:
        return str(json.loads(line)["letter"])
    except (ValueError, KeyError, TypeError):
        return None


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield line


def _parsed(line: bytes) -> Letter:
    digest = hashlib.sha256(line).hexdigest()
    try:
        letter = json.loads(line)
        frame = letter.get("frame")
        return Letter(
            digest=digest,
            reason=str(letter["reason"]),
            runs=tuple(dict.fromkeys(_runs(letter))),
            frame=FrameKey(**frame) if frame else None,
            place=_place(letter.get("origin") or {}),
        )
    except (ValueError, TypeError, KeyError, AttributeError):  # a hand was in it
        return Letter(digest=digest, reason="unreadable_letter")


def _runs(letter: Mapping[str, Any]) -> Iterator[str]:
    if letter.get("run"):
        yield str(letter["run"])
    yield from letter.get("ended") or ()
    yield from (record["run"] for record in letter.get("records") or ())


def _place(origin: Mapping[str, Any]) -> str | None:
    if {"topic", "partition", "offset"} <= origin.keys():
        return f"{origin['topic']}:{origin['partition']}:{origin['offset']}"
    return None
