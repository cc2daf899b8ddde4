"""Old catalogues: databroker on MongoDB, which keeps no metadata beside the start document.

Tiled's own catalogue stands in for databroker's, which needs packages that nothing else here does. The stand-in behaves
as databroker 2.0.2 did over HTTP (with mongomock): `is_sql` is False, a write beside `start` is answered and not kept.
"""

from typing import Any

import numpy as np
import pytest
from tiled.client.container import Container

from camsortxs.adapters.tiled import Bookmark, Catalogue, TiledRuns, TiledSink
from camsortxs.pipeline import Pipeline
from camsortxs.testing import tiny_model

IMAGES = np.full((2, 40, 60), 3, dtype=np.int32)


class Run:
    """A run whose metadata beside `start` is lost when it is written."""

    def __init__(self, node: Any) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def patch_metadata(self, patch: dict[str, Any], **options: Any) -> None:
        kept = {name: value for name, value in patch.items() if name == "start"}
        self._node.patch_metadata(kept, **options)


class OldContainer(Container):
    """A container that says of itself that it is MongoDB's."""

    is_sql = False

    def __getitem__(self, key: str) -> Any:
        return Run(super().__getitem__(key))


@pytest.fixture
def old(catalogue: Catalogue) -> Catalogue:
    raw = catalogue.raw
    container = OldContainer(raw.context, item=raw.item, structure_clients=raw.structure_clients)
    vars(catalogue)["raw"] = container
    return catalogue


def sweep(catalogue: Catalogue, bookmark: Bookmark, withheld: list[str]) -> list[str]:
    ended: list[str] = []
    source = TiledRuns(catalogue=catalogue, bookmark=bookmark, opened=lambda uid, start: ended.append(uid))
    sink = TiledSink(catalogue, by="back-fill", withheld=withheld.append)
    Pipeline(model=tiny_model(), sink=sink).run(source)
    return ended


def test_without_leave_a_run_gets_a_record_alone_and_is_not_done_again(old, begin_raw_run):
    run = begin_raw_run(frames=IMAGES)
    begin_raw_run(frames=IMAGES, complete=False)
    withheld: list[str] = []

    assert [sweep(old, Bookmark(), withheld) for _ in range(2)] == [[run], []]

    assert withheld == [run]
    (record,) = old.results.values()
    assert record.metadata["start"]["raw_uid"] == run
    assert record.metadata["stop"]["camsortxs"]["frames"] == 2
    assert "camsortxs" not in old.raw[run].metadata
    assert "camsortxs" not in old.raw[run].metadata["start"]


def test_with_leave_the_index_goes_under_start_and_a_human_label_stays(old, begin_raw_run):
    old.write_start = True
    run = begin_raw_run(frames=IMAGES, camsortxs={"human": {"technique": "SAXS"}})
    withheld: list[str] = []

    assert [sweep(old, Bookmark(), withheld) for _ in range(2)] == [[run], []]

    assert withheld == []
    metadata = old.raw[run].metadata
    assert metadata["start"]["camsortxs"]["frames"] == 2
    assert metadata["start"]["camsortxs"]["human"] == {"technique": "SAXS"}
    assert metadata["start"]["uid"] == metadata["stop"]["run_start"] == run


def test_a_catalogue_of_today_takes_the_index_beside_start_whatever_the_setting(catalogue, begin_raw_run):
    catalogue.write_start = True
    run = begin_raw_run(frames=IMAGES)

    sweep(catalogue, Bookmark(), [])

    assert catalogue.raw[run].metadata["camsortxs"]["frames"] == 2
    assert "camsortxs" not in catalogue.raw[run].metadata["start"]
