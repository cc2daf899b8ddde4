"""What a run costs in a large catalogue: its record and index, and a sweep that finds nothing, 10 runs against 100,000.

    python benchmarks/catalogue.py [RUNS ...]

A real Tiled on SQLite over HTTP for each size. The other runs, tagged, and their records are put into its database in
bulk, as copies of one that was written as every other is. Takes minutes, and is not among the parts of `make bench`.
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

import numpy as np
from bluesky_tiled_plugins import TiledWriter
from event_model import compose_run
from pydantic import SecretStr

from camsortxs import derived
from camsortxs.adapters.tiled import Bookmark, Catalogue, TiledRuns, TiledSink
from camsortxs.frames import FrameKey, RunEnd
from camsortxs.records import Outcome, Prediction, Record
from camsortxs.techniques import Technique
from camsortxs_agent.demo.tiled_server import embedded_tiled

SIZES = (10, 10_000, 100_000)
FRAMES = 10
ROUNDS = 9
MODEL = "first@0.3.1"


def main() -> None:
    """Print a row for each size, as JSON lines."""
    for runs in [int(argument) for argument in sys.argv[1:]] or SIZES:
        print(json.dumps(measure(runs)), flush=True)


def measure(runs: int) -> dict[str, float]:
    """Return medians in milliseconds in a catalogue of so many runs and as many records."""
    with tempfile.TemporaryDirectory() as folder, _catalogue(Path(folder), runs) as catalogue:
        sink, times = TiledSink(catalogue, by="live"), []
        for _ in range(ROUNDS):
            outcome = _whole_run(_raw_run(catalogue))
            times.append(_timed(sink, outcome))
        bookmark, sweeps = Bookmark(), []
        for _ in range(ROUNDS):
            began = perf_counter()
            found = list(TiledRuns(catalogue=catalogue, bookmark=bookmark).batches())
            sweeps.append(1000 * (perf_counter() - began))
            if found:
                raise RuntimeError(f"{len(found)} batches in a catalogue where every run is tagged")
        return {
            "runs": len(catalogue.raw),
            "record_and_index_ms": round(median(times), 1),
            "slowest_ms": round(max(times), 1),
            "first_sweep_ms": round(sweeps[0], 1),
            "later_sweeps_ms": round(median(sweeps[2:]), 1),
        }


def _timed(sink: TiledSink, outcome: Outcome) -> float:
    began = perf_counter()
    sink.write(outcome)
    return 1000 * (perf_counter() - began)


@contextmanager
def _catalogue(folder: Path, runs: int) -> Iterator[Catalogue]:
    with embedded_tiled(folder) as server:
        with closing(
            Catalogue(address=server.uri, api_key=SecretStr(server.api_key), raw_path="raw", results_path="results")
        ) as catalogue:
            catalogue.root.create_container("raw")
            first = _raw_run(catalogue)
            TiledSink(catalogue, by="live").write(_whole_run(first))
            _multiply(folder / "catalog.db", first, runs - 1)
            yield catalogue


def _multiply(database: Path, run: str, copies: int) -> None:
    """Copy a run and its record, without what is below them."""
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        for key in (run, derived.record_key(run, MODEL)):
            query = (
                "SELECT parent, structure_family, metadata, specs, time_created, time_updated FROM nodes WHERE key=?"
            )
            parent, family, metadata, *rest = connection.execute(query, (key,)).fetchone()
            uids = (str(uuid4()) for _ in range(copies))
            rows = ((parent, key.replace(run, uid), family, metadata.replace(run, uid), *rest) for uid in uids)
            connection.executemany(
                "INSERT INTO nodes (parent, key, structure_family, metadata, specs, time_created, time_updated) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )


def _raw_run(catalogue: Catalogue) -> str:
    write, run = TiledWriter(catalogue.raw), compose_run(metadata={"plan_name": "count", "sample": {"name": "AgBeh"}})
    write("start", run.start_doc)
    write("stop", run.compose_stop())
    return str(run.start_doc["uid"])


def _whole_run(run: str) -> Outcome:
    p = np.eye(4)[0] * 0.96 + 0.01
    records = tuple(
        Record(
            prediction=Prediction(
                key=FrameKey(run=run, stream="primary", data_key="pilatus", index=index),
                technique=Technique.SAXS,
                decided=Technique.SAXS,
                probabilities=tuple(p),
            ),
            model=MODEL,
            threshold=0.6,
            feature_digest="0" * 16,
            seconds=0.01,
        )
        for index in range(FRAMES)
    )
    return Outcome(model=MODEL, records=records, ended=(RunEnd(run=run),))


if __name__ == "__main__":
    main()
