"""Letters are settled by reading the runs that they are about once more, from the catalogue."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from camsortxs.adapters.tiled import TiledRuns
from camsortxs.frames import FrameKey
from camsortxs.pipeline import Pipeline
from camsortxs_agent.replay.letters import Letter


@dataclass(kw_only=True)
class Reading:
    """What another reading of a run came to: the frames that have a record now, those refused and why, what failed."""

    frames: set[FrameKey] = field(default_factory=set)
    refused: dict[FrameKey, str] = field(default_factory=dict)
    trouble: str | None = "the run is not in the catalogue, or not complete yet"


def read_again(uid: str, *, source: TiledRuns, line: Pipeline, refusals: Callable[[str], str | None]) -> Reading:
    """Take a run down the line once more; `refusals` tells what the sink had against it.

    Raises
    ------
    SourceError
        When the catalogue is out of reach.
    """
    reading = Reading()
    for batch in source.batches_of(uid, again=True):
        outcome = line.process(batch)
        reading.frames |= {record.key for record in outcome.records}
        for item in outcome.rejected:
            if item.key is not None:
                reading.refused[item.key] = item.reason
            else:
                reading.trouble = item.message
        if outcome.ended:
            reading.trouble = refusals(uid)
    return reading


def verdicts(letters: Iterable[Letter], read: Callable[[str], Reading]) -> Iterator[tuple[Letter, str | None]]:
    """Yield each letter with what is still in its way; None: it is settled. Each run is read once."""
    once = cache(read)
    for letter in letters:
        yield letter, _in_the_way(letter, [once(uid) for uid in letter.runs])


def _in_the_way(letter: Letter, readings: list[Reading]) -> str | None:
    if not readings:
        where = letter.place or "TOPIC:PARTITION:OFFSET"
        return f"it names no run: if the message can be read now, --from-offset {where} does it"
    trouble = next((reading.trouble for reading in readings if reading.trouble), None)
    if trouble or letter.frame is None or letter.frame in readings[0].frames:
        return trouble
    if (reason := readings[0].refused.get(letter.frame)) is not None:
        return f"refused again: {reason}"
    return "the catalogue has no such frame"
