"""Messages that no beamline sends on purpose: each is refused with a reason, and nothing happens."""

import os
import pickle

import msgpack
import numpy as np
import pytest

from camsortxs.errors import FrameError
from camsortxs_agent.wire import decode, encode


class Trap:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def packed(**fields) -> bytes:
    array = {"nd": True, "type": "<i4", "kind": b"", "shape": (2, 2), "data": bytes(16), **fields}
    return msgpack.packb(["event", {"data": {name.encode(): value for name, value in array.items()}}])


WHOLE = encode("event", {"data": {"pil": np.zeros((20, 20))}})
CORPUS = {
    "no value": None,
    "empty": b"",
    "text": b"hello",
    "JSON": b'["start", {"uid": "x"}]',
    "random bytes": np.random.default_rng(1).bytes(5000),
    "cut short": WHOLE[: len(WHOLE) // 2],
    "too much": WHOLE + b"\x00",
    "a map": msgpack.packb({"name": "start", "doc": {}}),
    "a number": msgpack.packb(7),
    "three things": msgpack.packb(["start", {}, {}]),
    "name is bytes": msgpack.packb([b"start", {}]),
    "document is a list": msgpack.packb(["start", []]),
    "a list as key": b"\x92\xa5start\x81\x91\x01\x02",
    "broken unicode": b"\x92\xa5\xff\xfe\xfd\xfc\xfb\x80",
    "100,000 deep": b"\x91" * 100_000 + b"\xc0",
    "4 billion elements": b"\xdd\xff\xff\xff\xff",
    "4 billion entries": b"\xdf\xff\xff\xff\xff",
    "4 billion characters": b"\xdb\xff\xff\xff\xff",
    "more shape than data": packed(shape=[1 << 40, 2]),
    "overflowing shape": packed(shape=[1 << 62, 1 << 62]),
    "negative shape": packed(shape=[-1]),
    "no such type": packed(type="no such"),
    "half a type": packed(type="<i4,,"),
    "a big type": packed(type="S99999999999"),
    "objects in a list of types": packed(type=[["a", "O"]], shape=[1], data=bytes(8)),
    "objects in a word": packed(type="O,O", shape=[1]),
    "a scalar of nothing": packed(nd=False, data=b""),
    "complex words": msgpack.packb(["event", {b"complex": True, b"data": "one"}]),
}


@pytest.mark.parametrize("message", CORPUS.values(), ids=CORPUS)
def test_undecodable(message):
    with pytest.raises(FrameError) as caught:
        decode(message)
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize(
    "claims",
    [
        {"kind": b"O", "type": "O"},
        {"kind": b"O", "type": "<i4"},
        {"kind": "O", "type": "<i4"},
        {"kind": b"", "type": "O"},  # numpy would take these bytes for pointers
        {"kind": b"", "type": "O", "nd": False},
    ],
)
def test_object_arrays_are_refused_and_never_unpickled(claims, tmp_path):
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    with pytest.raises(FrameError) as caught:
        decode(packed(data=trap, shape=[1], **claims))
    assert caught.value.reason == "object_array"
    assert not (tmp_path / "sprung").exists()
    pickle.loads(trap)  # it would have sprung
    assert (tmp_path / "sprung").exists()


def test_a_message_over_the_limit_is_refused_unread():
    with pytest.raises(FrameError) as caught:
        decode(WHOLE, max_bytes=len(WHOLE) - 1)
    assert caught.value.reason == "too_long"
    assert decode(WHOLE, max_bytes=len(WHOLE))[0] == "event"
