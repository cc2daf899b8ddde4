"""Mutates recorded messages and runs, and looks for what they do to us: `make fuzz`.

Allowed is a document, or a `FrameError`; any other exception, more than a second, or more memory than the length of the
message explains is a find, kept in `corpus/`, which every later test begins with.
"""

import argparse
import json
import random
import resource
import signal
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from camsortxs.adapters.reference import PixelReference
from camsortxs.errors import FrameError
from camsortxs.frames import Unread
from camsortxs_agent.runs import Runs
from camsortxs_agent.wire import decode, encode

CORPUS = Path(__file__).parents[1] / "hostile" / "corpus"
SECONDS = 1.0
MEMORY_PER_BYTE, MEMORY = 300, 4_000_000  # an empty map takes 64 bytes and one byte of a message
_MEASURED_EACH = 100
_MARKS = [bytes([mark]) for mark in (*range(0x80, 0xE0), 0xFF, 0x00)]
_LENGTHS = [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x10\x00\x00"]
_WORDS = [
    b"\xc4\x02nd\xc3",
    b"\xc4\x04type\xa3<f8",
    b"\xc4\x04kind\xc4\x01O",
    b"\xc4\x05shape\x92\xff\xff",
    b"|O",
    b"V9",
]
_HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 62, 1e308, float("nan"), "", "x" * 300, "\0", b"\xff", [], {}, [[]], [None], {"a": {}},
    {1: 2},
    {"start": 0, "stop": 1 << 40}, {"start": 5, "stop": 1}, [1 << 40, 1 << 40], np.zeros((3, 0)), np.zeros(5, "c16"),
    np.float64(3), np.zeros((20, 20), np.uint8), "run", "2026-11-23",
)  # fmt: skip


class Nowhere:
    """Reads no pixels: whatever is asked for is not there."""

    def read(self, reference: PixelReference) -> Any:
        raise FrameError("missing_file", f"{reference.uri!s:.80} is not there")


@dataclass
class Found:
    """What came of it."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    finds: list[str] = field(default_factory=list)
    slowest: float = 0.0
    largest: int = 0


def seeds() -> list[bytes]:
    """Return the corpus, in order."""
    return [path.read_bytes() for path in sorted(CORPUS.glob("*.msgpack"))]


def mutated(rng: random.Random, corpus: Sequence[bytes]) -> bytes:
    """Return a message that was changed in one to eight places."""
    message = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(message) + 1)
        # Documents begin with what matters, images end with pixels: look at the beginning more often.
        at = at if rng.random() < 0.3 else min(at, rng.randrange(200))
        match rng.randrange(8):
            case 0 if at < len(message):
                message[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(message):
                message[at] = rng.randrange(256)
            case 2:
                message[at:at] = rng.choice(_MARKS)
            case 3:
                message[at : at + 5] = rng.choice(_MARKS) + rng.choice(_LENGTHS)
            case 4:
                del message[at : at + rng.randrange(1, 20)]
            case 5:
                message[at:at] = message[at : at + rng.randrange(1, 60)]
            case 6:
                other = rng.choice(corpus)
                cut = rng.randrange(len(other))
                message[at:] = other[cut : cut + 9000]
            case _:
                message[at:at] = rng.choice(_WORDS)
    return bytes(message)


def fuzz_decode(found: Found, *, inputs: int, seed: int, keep: bool = False) -> None:
    """Decode so many mutated messages."""
    rng, corpus = random.Random(seed), seeds()
    for number in range(inputs):
        message = corpus[number] if number < len(corpus) else mutated(rng, corpus)
        measured = number % _MEASURED_EACH == 0
        if measured:
            tracemalloc.start()
        began = time.process_time()
        trouble = None
        try:
            with _limit():
                decode(message)
            found.outcomes["decoded"] += 1
        except FrameError as error:
            found.outcomes[error.reason] += 1
        except Exception as error:  # noqa: BLE001 - what must not happen is what we look for
            trouble = f"decode: {type(error).__name__}: {error}"[:200]
        found.slowest = max(found.slowest, time.process_time() - began)
        if measured:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            found.largest = max(found.largest, peak)
            if peak > MEMORY + MEMORY_PER_BYTE * len(message):
                trouble = f"decode: {peak} bytes for a message of {len(message)}"
        if trouble:
            found.finds.append(trouble)
            if keep:
                (CORPUS / f"found-{sha256(message).hexdigest()[:12]}.msgpack").write_bytes(message)
        found.inputs += 1


def fuzz_runs(found: Found, *, sequences: int, seed: int) -> None:
    """Track so many runs whose documents were changed, dropped, doubled and put in another order."""
    whole = [decode(message) for path, message in zip(sorted(CORPUS.glob("*.msgpack")), seeds(), strict=True)
             if path.name.startswith("seed-")]  # fmt: skip
    first = Runs(pixels=Nowhere())  # compiles what looks at pixels, which takes longer than any document may
    for offset, (name, document) in enumerate(whole):
        _consume(first, name, document, offset, Counter())
    for number in range(sequences):
        rng = random.Random(f"{seed}/{number}")
        documents = _disturbed(rng, whole)
        runs = Runs(pixels=Nowhere())
        began = time.process_time()
        try:
            with _limit():
                for offset, (name, document) in enumerate(documents):
                    _consume(runs, name, document, offset, found.outcomes)
        except Exception as error:  # noqa: BLE001 - what must not happen is what we look for
            found.finds.append(f"runs {seed}/{number}: {type(error).__name__}: {error}"[:300])
        found.slowest = max(found.slowest, time.process_time() - began)
        found.inputs += 1


def _consume(runs: Runs, name: str, document: dict[str, Any], offset: int, outcomes: Counter[str]) -> None:
    runs.run_of(name, document)
    try:
        for item in runs.consume(name, document, place="p", offset=offset):
            outcomes[type(item).__name__] += 1
            if isinstance(item, Unread):
                item.read()
    except FrameError as error:
        outcomes[error.reason] += 1


def _disturbed(rng: random.Random, whole: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    documents = [(name, deepcopy(document)) for name, document in whole]
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        at = rng.randrange(1, len(documents)) if len(documents) > 1 else 0
        match rng.randrange(3):
            case 0:
                del documents[at]
            case 1:
                documents.insert(at, deepcopy(documents[at]))
            case _:
                other = rng.randrange(len(documents))
                documents[at], documents[other] = documents[other], documents[at]
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        _spoil(rng, rng.choice(documents)[1])
    return documents


def _spoil(rng: random.Random, document: Any) -> None:
    """Change one value, somewhere."""
    while isinstance(document, dict | list) and document:
        key = rng.choice(list(document)) if isinstance(document, dict) else rng.randrange(len(document))
        if isinstance(document[key], dict | list) and document[key] and rng.random() < 0.8:
            document = document[key]
            continue
        if rng.random() < 0.25:
            del document[key]
        else:
            document[key] = deepcopy(rng.choice(_HOSTILE))
        return


@contextmanager
def _limit() -> Iterator[None]:
    """Break off after `SECONDS` of work: others may keep the cores busy."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def watched() -> Iterator[None]:
    """Turn the signal of `_limit` into an error."""

    def over(number: int, frame: Any) -> None:
        raise TimeoutError(f"more than {SECONDS:g} s")

    before = signal.signal(signal.SIGPROF, over)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


def main() -> None:
    """Print the figures as JSON; exit code 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261123)
    wanted = parser.parse_args()
    code = 0
    for name in ("decode", "runs"):
        found = Found()
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        with watched():
            if name == "decode":
                fuzz_decode(found, inputs=wanted.inputs, seed=wanted.seed, keep=True)
            else:
                fuzz_runs(found, sequences=wanted.sequences, seed=wanted.seed)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        figures = {"what": name, "inputs": found.inputs, "seconds": round(time.monotonic() - began, 1),
                   "slowest_ms": round(found.slowest * 1e3, 1), "largest_traced_kb": round(found.largest / 1e3),
                   "resident_grown_kb": grown, "outcomes": dict(found.outcomes.most_common()),
                   "finds": len(found.finds), "examples": found.finds[:10]}  # fmt: skip
        print(json.dumps(figures, indent=1), flush=True)  # noqa: T201 - this is the output
        code = code or int(bool(found.finds))
    raise SystemExit(code)


def record(folder: Path) -> None:
    """Write the seeds anew: one run in all the ways that pixels travel."""
    from support.bluesky_runs import BlueskyRun

    run = BlueskyRun("run", frames=2)
    ways = [list(run.inline()), list(BlueskyRun("run", frames=2).pages()),
            list(BlueskyRun("run", frames=2).resource(folder)),
            list(BlueskyRun("run", frames=2).stream(folder / "run.h5"))]  # fmt: skip
    for way, documents in enumerate(ways):
        for number, (name, document) in enumerate(documents):
            if way and name in ("start", "stop"):
                continue
            (CORPUS / f"seed-{way}{number}-{name}.msgpack").write_bytes(encode(name, document))
    # One start first, one stop last.
    stop = CORPUS / f"seed-0{len(ways[0]) - 1}-stop.msgpack"
    stop.rename(CORPUS / "seed-99-stop.msgpack")


if __name__ == "__main__":
    main()
