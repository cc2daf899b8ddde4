import msgpack
import msgpack_numpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camsortxs.errors import FrameError
from camsortxs_agent.wire import decode, encode


def reason(message: bytes) -> str | None:
    try:
        decode(message)
    except FrameError as error:
        return error.reason
    return None


def test_what_bluesky_kafka_sends_comes_back():
    document = {"data": {"pil": np.arange(12, dtype=np.uint16).reshape(3, 4), "t": np.float64(1.5)}, "seq_num": 1}
    name, back = decode(msgpack_numpy.packb(["event", document]))
    assert name == "event"
    np.testing.assert_array_equal(back["data"]["pil"], document["data"]["pil"])
    assert back["data"]["t"] == 1.5
    assert decode(encode("event", document))[1]["data"]["pil"].dtype == np.uint16


def test_structured_arrays_are_left_packed():
    array = np.zeros(2, dtype=[("a", "i4"), ("b", "f8")])
    assert b"nd" in decode(encode("event", {"data": array}))[1]["data"]


@given(st.binary(max_size=200))
def test_no_bytes_whatever_do_more_than_be_refused(message):
    assert reason(message) in (None, "undecodable")


_KEYS = st.sampled_from([b"nd", b"type", b"kind", b"shape", b"data", b"complex", "nd", "kind"])
_VALUES = st.one_of(
    st.booleans(),
    st.binary(max_size=16),
    st.sampled_from(["<i4", "O", "V8", "<f8,,", "(2,3)i4", ",", b"", b"V", b"O", "S99999999999"]),
    st.lists(st.integers(-(2**40), 2**40), max_size=4),
    st.integers(-(2**40), 2**40),
    st.none(),
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:msgpack_numpy")
@given(st.dictionaries(_KEYS, _VALUES))
def test_no_packed_array_whatever_does_more_than_be_refused(packed):
    assert reason(msgpack.packb(["event", {"data": packed}])) in (None, "undecodable", "object_array")
