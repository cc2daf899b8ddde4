"""The wire format of bluesky-kafka: msgpack of `[name, document]`, arrays in msgpack-numpy form."""

import re
from collections.abc import Sequence
from typing import Any, Protocol

import msgpack
import msgpack_numpy

from camsortxs.errors import FrameError

MAX_BYTES = 256 * 1024 * 1024
"""A message larger than this is refused unread: one frame of the largest detector in use, as int32, has 72 MB."""

_PLAIN_TYPE = re.compile(r"[<>|=]?[biufcSUmM][1-9][0-9]{0,6}(\[[0-9a-zA-Z]{1,8}\])?")
_GARBAGE = (
    msgpack.exceptions.UnpackException,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
)


class Publisher(Protocol):
    """Sends messages to topics."""

    def publish(self, topic: str, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages (key, value) in order; return when all of them are delivered.

        Raises
        ------
        SinkUnavailable, SinkRejected
            When not all of them were, for now or for good.
        """
        ...


def encode(name: str, document: dict[str, Any]) -> bytes:
    """Return the message that bluesky-kafka would send for this document."""
    packed: bytes = msgpack.packb([name, document], default=msgpack_numpy.encode, use_bin_type=True)
    return packed


def decode(message: bytes | None, *, max_bytes: int = MAX_BYTES) -> tuple[str, dict[str, Any]]:
    """Return the name and the document of a message.

    Arrays come back read-only, without a copy. Object arrays are pickles: they are refused before anything is decoded
    (a pickle runs code). Structured arrays stay as they were packed: no detector image is one. Memory stays bounded by
    the size of the message, nesting by msgpack's own limit.

    Raises
    ------
    FrameError
        With reason `too_long`, `object_array` or `undecodable`.

    Examples
    --------
    >>> decode(encode("stop", {"run_start": "5f3c"}))
    ('stop', {'run_start': '5f3c'})
    """
    if message is None:
        raise FrameError("undecodable", "the message has no value")
    if len(message) > max_bytes:
        raise FrameError("too_long", f"{len(message)} bytes are more than {max_bytes}")
    try:
        value = msgpack.unpackb(message, object_hook=_hook, strict_map_key=False)
    except _GARBAGE as error:
        raise FrameError("undecodable", f"not a Bluesky message: {type(error).__name__}: {error}"[:500]) from error
    match value:
        case [str(name), dict(document)]:
            return name, document
    raise FrameError("undecodable", f"not a Bluesky message: a {type(value).__name__} instead of [name, document]")


def _hook(packed: dict[Any, Any]) -> Any:
    """Decode a packed array or number, after a look at what it claims to be.

    `numpy.ndarray` would take an object type and read pointers from the message.
    """
    if b"nd" not in packed:
        return msgpack_numpy.decode(packed)
    kind, numbers = packed.get(b"kind", b""), packed.get(b"type")
    if kind == b"V":
        return packed
    if kind != b"" or numbers == "O":
        raise FrameError("object_array", "an object array is a pickle: refused")
    if not isinstance(numbers, str) or not _PLAIN_TYPE.fullmatch(numbers):
        raise ValueError(f"an array of type {numbers!r}")
    if any(not isinstance(n, int) or n < 0 for n in packed.get(b"shape", ())):
        raise ValueError("an array of no shape")
    return msgpack_numpy.decode(packed)
