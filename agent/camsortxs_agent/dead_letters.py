"""What could not be used is kept: on a topic and in a file, with the reason and the original bytes."""

import fcntl
import json
import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from camsortxs.errors import SinkRejected, SinkUnavailable, traceback_digest
from camsortxs.frames import Rejected
from camsortxs.records import Outcome, Record
from camsortxs_agent.wire import Publisher

log = structlog.get_logger()

MAX_TOPIC_BYTES = 900_000
"""A letter larger than this goes to the topic without the original bytes (brokers take 1 MB); the file has them."""
_BLOCK = 65536


class DeadLetters:
    """Writes every refusal to a topic and to a JSON-lines file, either of which may be None.

    `written` is told the reason of each.
    """

    def __init__(
        self,
        publisher: Publisher | None,
        *,
        topic: str | None = None,
        file: Path | None = None,
        written: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._publisher = publisher
        self._topic = topic
        self._file = file
        self._written = written

    def write(self, outcome: Outcome) -> None:
        """Keep the refusals of an outcome.

        Raises
        ------
        SinkUnavailable
            When topic or file cannot take them now: they may come twice when it is tried again.
        """
        self._keep([_letter(item) for item in outcome.rejected])
        for item in outcome.rejected:
            log.warning("rejected", reason=item.reason, message=item.message, key=str(item.key or ""), **item.origin)

    def refuse(self, outcome: Outcome, error: SinkRejected) -> None:
        """Keep the records that a sink refused for good.

        Raises
        ------
        SinkUnavailable
            As `write`.
        """
        letter = {
            **_heading(error.reason, str(error), traceback_digest(error)),
            "records": [_spelled(record) for record in outcome.records],
            "ended": [end.run for end in outcome.ended],
        }
        self._keep([letter])
        log.error("sink_refused", reason=error.reason, message=str(error), runs=sorted(_runs(outcome)))

    def _keep(self, letters: list[dict[str, Any]]) -> None:
        if not letters:
            return
        if self._publisher is not None and self._topic:
            try:
                self._publisher.publish(
                    self._topic, [(str(letter.get("run") or ""), _short(letter)) for letter in letters]
                )
            except SinkRejected as error:  # a topic that takes less than most: the file takes all
                if self._file is None:
                    raise
                log.error("dead_letter_not_on_topic", error=str(error))
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                append(self._file, "".join(json.dumps(letter) + "\n" for letter in letters).encode())
            except OSError as error:
                raise SinkUnavailable(f"dead letters: {error}") from error
        for letter in letters:
            self._written(letter["reason"])


def append(path: Path, lines: bytes) -> None:
    """Write all of it or nothing: a full disk, or a process that was killed here, leaves no torn line to the next.

    Whoever was cut short had acknowledged nothing, so those letters come again.
    """
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # agents may share the file; freed when it is closed
        size = _whole(file)
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):  # then the next one to append cuts it
                file.truncate(size)
            raise


def _whole(file: BinaryIO) -> int:
    """Cut what follows the last line that is whole; return the size."""
    end = size = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    if end != size:
        file.truncate(end)
    return end


def _heading(reason: str, message: str, digest: str | None) -> dict[str, Any]:
    return {"time": datetime.now(UTC).isoformat(), "reason": reason, "message": message, "traceback": digest}


def _letter(item: Rejected) -> dict[str, Any]:
    return {
        **_heading(item.reason, item.message, item.digest),
        "origin": {name: _plain(value) for name, value in item.origin.items()},
        "run": item.key.run if item.key else item.origin.get("run"),
        "frame": asdict(item.key) if item.key else None,
        "payload": b64encode(item.payload).decode() if item.payload is not None else None,
    }


def _short(letter: Mapping[str, Any]) -> bytes:
    whole = json.dumps(letter).encode()
    if len(whole) <= MAX_TOPIC_BYTES:
        return whole
    return json.dumps({**letter, "payload": None, "payload_bytes": len(letter.get("payload") or "") * 3 // 4}).encode()


def _spelled(record: Record) -> dict[str, Any]:
    prediction = record.prediction
    return {
        **asdict(record.key),
        "technique": str(prediction.technique) if prediction.technique else None,
        "decided": str(prediction.decided),
        "probabilities": prediction.probabilities,
        "model": record.model,
    }


def _runs(outcome: Outcome) -> set[str]:
    return {record.key.run for record in outcome.records} | {end.run for end in outcome.ended}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
