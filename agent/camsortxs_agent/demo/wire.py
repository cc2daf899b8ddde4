"""bluesky_kafka as the facilities use it, without what its import does to msgpack."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgpack


@contextmanager
def _msgpack_left_alone() -> Iterator[None]:
    # Its import replaces msgpack's functions, for the whole process, by ones that unpickle what a message asks them to.
    names = ("Packer", "Unpacker", "load", "loads", "dump", "dumps", "pack", "packb", "unpack", "unpackb")
    kept = {name: getattr(msgpack, name) for name in names}
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(msgpack, name, value)


with _msgpack_left_alone():
    from bluesky_kafka import BlueskyConsumer, Publisher
    from bluesky_kafka.utils import create_topics

__all__ = ["BlueskyConsumer", "Publisher", "create_topics"]
