"""What a soak cost, read back from Tiled and not through the code that wrote it: lost, twice, wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import stamina

from camsortxs_agent.demo.tiled_server import TiledServer
from camsortxs_agent.demo.verify import read_back, tagged


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Runs, by what is wrong with them."""

    runs: int
    frames: int
    lost: list[str]
    twice: list[str]
    wrong: list[str]

    @property
    def nothing(self) -> bool:
        """Every run has one record with its frames, and one index."""
        return not (self.lost or self.twice or self.wrong)


# SQLite under load makes Tiled answer 500 now and then: that is not what is counted here.
_patiently = stamina.retry(on=httpx.HTTPError, attempts=None, timeout=180.0, wait_max=5.0)


@_patiently
def indexed(server: TiledServer, raw: str) -> set[str]:
    """Return the runs that have an index."""
    return tagged(server, raw=raw)


@_patiently
def count(server: TiledServer, runs: Mapping[str, int], *, raw: str, results: str) -> Cost:
    """Read every run back; `runs` says how many frames each has.

    Lost is a run without an index or without a record, or frames that its record has not; twice is one with two records
    or taggings, or a frame that stands twice in its record; wrong is all else: a stop document that is gone, a frame
    refused, an index that does not say what the record does.
    """
    found = read_back(server, runs, raw=raw, results=results)
    lost, twice, wrong = [], [], []
    with httpx.Client(
        base_url=f"{server.uri}/api/v1",
        headers={"Authorization": f"Apikey {server.api_key}"},
        trust_env=False,
        timeout=60.0,
    ) as http:
        for run, frames in runs.items():
            one = found[run]
            rows = _rows(http, results, run, str(one.tag["model"])) if one.tag else []
            if one.tag is None or one.records == 0 or set(range(frames)) - set(rows):
                lost.append(run)
            elif one.twice or len(rows) > frames:
                twice.append(run)
            elif not one.complete or one.rejected or one.tag["frames"] != frames:
                wrong.append(run)
    return Cost(runs=len(runs), frames=sum(runs.values()), lost=lost, twice=twice, wrong=wrong)


def _rows(http: httpx.Client, results: str, run: str, model: str) -> list[int]:
    path = f"{results}/{run}-{model.replace('@', '-')}"
    if "stop" not in http.get(f"/metadata/{path}").raise_for_status().json()["data"]["attributes"]["metadata"]:
        return []
    answer = http.get(f"/table/full/{path}/primary/internal", params={"format": "application/json-seq"})
    return [int(json.loads(line)["raw_index"]) for line in answer.raise_for_status().iter_lines() if line.strip()]
