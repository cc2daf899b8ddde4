"""What Tiled says after the demo, read back by plain HTTP: not through the code that wrote it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from camsortxs_agent.demo.tiled_server import TiledServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands in Tiled about one run.

    `tag` is the `camsortxs` key of its metadata, `taggings` how often that was written, `records` the number of
    derived runs that name it, `complete` whether it still has its stop document.
    """

    tag: Mapping[str, Any] | None
    taggings: int
    records: int
    complete: bool

    @property
    def rejected(self) -> dict[str, int]:
        """How many frames were refused, by reason."""
        return {item["reason"]: item["count"] for item in self.tag["rejected"]} if self.tag else {}

    @property
    def twice(self) -> bool:
        """Whether it was tagged or recorded more than once."""
        return self.taggings > 1 or self.records > 1


def read_back(
    server: TiledServer, runs: Iterable[str], *, raw: str = "", results: str = "camsortxs"
) -> dict[str, Found]:
    """Ask Tiled about `runs`, which lie in the container `raw`; records lie in the container `results`."""
    with _connect(server) as http:
        records = Counter(
            item["attributes"]["metadata"].get("start", {}).get("raw_uid") for item in _children(http, results)
        )
        return {run: _find(http, f"{raw}/{run}".lstrip("/"), records[run]) for run in runs}


def _connect(server: TiledServer) -> httpx.Client:
    return httpx.Client(
        base_url=f"{server.uri}/api/v1",
        headers={"Authorization": f"Apikey {server.api_key}"},
        timeout=30.0,
        trust_env=False,
    )


def _find(http: httpx.Client, path: str, records: int) -> Found:
    metadata = http.get(f"/metadata/{path}").raise_for_status().json()["data"]["attributes"]["metadata"]
    # A revision holds what the metadata was before a write: a tag in there is one that was written over.
    revisions = http.get(f"/revisions/{path}", params={"page[limit]": 100}).raise_for_status().json()["data"]
    tag = metadata.get("camsortxs")
    earlier = sum("camsortxs" in item["attributes"]["metadata"] for item in revisions)
    return Found(tag=tag, taggings=earlier + (tag is not None), records=records, complete="stop" in metadata)


def _children(http: httpx.Client, path: str) -> Iterator[Mapping[str, Any]]:
    url: str | None = f"/search/{path}?page[limit]=100"
    while url:
        answer = http.get(url)
        if answer.status_code == httpx.codes.NOT_FOUND:  # nobody has written a record yet
            return
        page = answer.raise_for_status().json()
        yield from page["data"]
        url = page["links"]["next"]


def tagged(server: TiledServer, *, raw: str = "") -> set[str]:
    """Return the runs in the container `raw` that have a tag."""
    with _connect(server) as http:
        return {item["id"] for item in _children(http, raw) if "camsortxs" in item["attributes"]["metadata"]}
