from uuid import uuid4

import pytest
from tiled.client import from_uri

from camsortxs_agent.demo.verify import read_back, tagged

TAG = {"camsortxs": {"technique": "SAXS", "rejected": [{"reason": "not_2d", "count": 2}]}}


@pytest.fixture
def catalogue(tiled_server):
    """Two containers, for raw runs and for records: their names and clients."""
    client = from_uri(tiled_server.uri, api_key=tiled_server.api_key)
    raw, results = f"raw-{uuid4()}", f"results-{uuid4()}"
    yield raw, results, client.create_container(raw), client.create_container(results)
    client.context.close()


def _run(container, key: str) -> None:
    run = container.create_container(key, metadata={"start": {"uid": key}})
    run.update_metadata({"stop": {"exit_status": "success"}}, drop_revision=False)


def _tag(container, key: str, tag: dict) -> None:
    container[key].patch_metadata(tag, content_type="application/merge-patch+json", drop_revision=False)


def test_tags_and_records_are_counted(tiled_server, catalogue):
    raw, results, runs, records = catalogue
    for key in ("once", "twice", "never"):
        _run(runs, key)
    _tag(runs, "once", TAG)
    _tag(runs, "twice", TAG)
    _tag(runs, "twice", {"camsortxs": {"technique": "WAXS"}})
    for number, key in enumerate(("once", "twice", "twice")):
        records.create_container(f"{key}-{number}", metadata={"start": {"raw_uid": key}})

    found = read_back(tiled_server, ["once", "twice", "never"], raw=raw, results=results)
    assert found["once"].tag == TAG["camsortxs"]
    assert found["once"].rejected == {"not_2d": 2}
    assert {key: (item.taggings, item.records, item.twice) for key, item in found.items()} == {
        "once": (1, 1, False),
        "twice": (2, 2, True),
        "never": (0, 0, False),
    }
    assert all(item.complete for item in found.values())
    assert tagged(tiled_server, raw=raw) == {"once", "twice"}


def test_more_than_a_page_of_records_is_counted(tiled_server, catalogue):
    raw, results, runs, records = catalogue
    _run(runs, "run")
    for number in range(103):
        records.create_container(str(number), metadata={"start": {"raw_uid": "run"}})
    assert read_back(tiled_server, ["run"], raw=raw, results=results)["run"].records == 103


def test_a_run_without_its_stop_document_and_a_catalogue_without_records(tiled_server, catalogue):
    raw, _, runs, _ = catalogue
    runs.create_container("open", metadata={"start": {"uid": "open"}})
    found = read_back(tiled_server, ["open"], raw=raw, results=f"none-{uuid4()}")
    assert not found["open"].complete
    assert found["open"].records == 0
