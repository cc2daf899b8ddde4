"""What is said between the agent and its workers."""

from datetime import UTC, datetime

import numpy as np
import pytest

from camsortxs.adapters.pixels import FilePixels
from camsortxs.adapters.reference import PixelReference
from camsortxs.errors import FrameError
from camsortxs.evidence import Evidence
from camsortxs.flags import Flag
from camsortxs.frames import FrameKey, Geometry, Rejected
from camsortxs.look import Looks, Seen
from camsortxs_agent.announced import Announced, Fetch
from camsortxs_agent.streams import Detector
from camsortxs_agent.workers.errands import (
    pack_count,
    pack_errand,
    pack_looks,
    unpack_count,
    unpack_errand,
    unpack_looks,
)

KEY = FrameKey(run="r", stream="primary", data_key="image", index=6)
REFERENCE = PixelReference(
    uri="file://localhost/data/a b.h5", form="application/x-hdf5", parameters={"dataset": "/entry/data"}, index=3
)


class Nobody:
    def read(self, reference):
        raise FrameError("missing_file", reference.uri)


def fetch(find, **fields) -> Fetch:
    detector = Detector(data_key="image", name="pilatus", frames=2, shape=(1679, 1475))
    defaults = {"taken_at": datetime(2026, 11, 28, 3, 4, 5, 678, UTC), "geometry": Geometry(distance=2.0)}
    known = {"run": "r", "stream": "primary", "detector": detector, "event": 3, "pixels": FilePixels(roots=[])}
    return Fetch(Announced(**{**known, **defaults, **fields}, find=find), 2)


def test_an_errand_arrives_as_it_was_sent():
    sent = fetch(lambda: REFERENCE)
    arrived = unpack_errand(pack_errand(sent.announced, 2)).unread(Nobody())
    assert arrived.key == KEY
    announced = arrived.read.announced
    assert (announced.find(), arrived.read.frames) == (REFERENCE, 2)
    assert (announced.taken_at, announced.geometry) == (sent.announced.taken_at, sent.announced.geometry)
    assert [refused.reason for refused in arrived.read()] == ["missing_file"]


def test_a_question_arrives_and_so_does_its_answer():
    question = unpack_errand(pack_errand(fetch(lambda: REFERENCE).announced, None))
    assert question.frames is None
    refused = unpack_count(pack_count(question.announced(Nobody())))
    assert (refused.reason, refused.message, refused.key) == ("missing_file", REFERENCE.uri, None)
    assert refused.digest
    assert unpack_count(pack_count(fetch(lambda: np.zeros((3, 20, 20))).announced)) == 3
    assert unpack_count(pack_looks(None)) is None


def _unknown():
    raise FrameError("missing_datum", "datum 7 never came")


def _odd():
    return [].get("resource")


@pytest.mark.parametrize(
    "find",
    [
        lambda: np.zeros((1, 20, 20)),
        _unknown,
        _odd,
        lambda: PixelReference(uri="a", form="b", parameters={"odd": object()}),
        lambda: PixelReference(uri="\udcff", form="b"),
    ],
    ids=["pixels in the document", "nobody knows where", "a document of an odd shape", "no plain value", "no text"],
)
def test_some_errands_nobody_can_be_sent_on(find):
    assert pack_errand(fetch(find).announced, 2) is None


def test_a_worker_reads_files_and_nothing_else():
    assert pack_errand(fetch(lambda: REFERENCE, pixels=Nobody()).announced, 2) is None


@pytest.mark.parametrize("message", [b"", b"\xff", b"{}", b"[1]", b'{"run": 7}'])
def test_what_is_no_errand_is_none(message):
    assert unpack_errand(message) is None


def test_what_was_seen_comes_back_as_it_was():
    values = np.array([0.25, 1e-30, 3e8], np.float32)
    taken_at = datetime(2026, 11, 28, 3, 4, 5, 678901, UTC)
    evidence = Evidence(grazing=1.0, wide=-5.5, used=("q90 0.05 1/angstrom",))
    lit = Seen(key=KEY, taken_at=taken_at, detector="pilatus", evidence=evidence, values=values)
    why = Flag.DIRECT_BEAM
    dark = Seen(key=KEY, taken_at=None, detector=None, evidence=Evidence(mid=True), values=None, nothing=why)
    refused = Rejected(reason="not_2d", message="flat", key=KEY, digest="abc")
    looks = Looks(seen=(lit, dark), rejected=(refused,), seconds={"read": 0.003})
    back = unpack_looks(pack_looks(looks))
    assert back.seen[0].values.tolist() == values.tolist()
    assert back.seen[0].values.dtype == np.float32
    assert (back.seen[0].key, back.seen[0].taken_at, back.seen[0].evidence) == (KEY, taken_at, evidence)
    assert back.seen[1] == dark
    assert back.seen[1].nothing is why
    assert (back.rejected, back.seconds) == (looks.rejected, looks.seconds)


def test_that_an_errand_made_no_sense_comes_back_too():
    assert unpack_looks(pack_looks(None)) is None
