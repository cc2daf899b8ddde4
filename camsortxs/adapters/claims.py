"""How much packed bytes unpack to, found out before room is made for it: a small file may claim a terabyte.

Some formats say it in their first bytes; of the others every byte is unpacked, and none is kept.
"""

import zlib

import numpy as np
import numpy.typing as npt

from camsortxs.compiled import compiled

_BLOCK = 1024**2
_ZSTD = b"\x28\xb5\x2f\xfd"


def deflate(packed: bytes, limit: int) -> int:
    """Return the bytes in a zlib stream; more than `limit` are not counted to their end.

    >>> deflate(zlib.compress(bytes(5000)), 10_000), deflate(zlib.compress(bytes(10**8)), 10_000) < 10**7
    (5000, True)
    """
    stream, size, rest = zlib.decompressobj(), 0, packed
    while size <= limit and not stream.eof:
        block = stream.decompress(rest, _BLOCK)
        rest = stream.unconsumed_tail
        if not block and not rest:
            break
        size += len(block)
    return size


def blocks(packed: bytes, limit: int) -> int:
    """Return what HDF5's LZ4 and bitshuffle filters make room for: they begin with it."""
    return int.from_bytes(packed[:8], "big")


def blosc(packed: bytes, limit: int) -> int:
    """Return what Blosc makes room for; its header has 16 bytes."""
    return int.from_bytes(packed[4:8], "little")


def szip(packed: bytes, limit: int) -> int:
    """Return what HDF5's SZIP filter makes room for: it begins with it."""
    return int.from_bytes(packed[:4], "little")


def zstd(packed: bytes, limit: int) -> int:
    """Return what the header of a zstd frame (RFC 8878, section 3.1.1.1) claims; 0 when it claims nothing.

    >>> zstd(bytes.fromhex("28b52ffd 80 58 00000040"), 0) == 1 << 30
    True
    """
    if packed[:4] != _ZSTD or len(packed) < 5:
        return 0
    descriptor = packed[4]
    whole, size = descriptor >> 5 & 1, 1 << (descriptor >> 6)
    if size == 1 and not whole:
        return 0
    at = 6 - whole + (0, 1, 2, 4)[descriptor & 3]
    return int.from_bytes(packed[at : at + size], "little") + (256 if size == 2 else 0)


def lzf(packed: bytes, limit: int) -> int:
    r"""Return the bytes in an LZF stream.

    >>> lzf(b"\x02abc" + b"\xe0\xff\x00", 0)
    267
    """
    return int(_lzf(np.frombuffer(packed, dtype=np.uint8)))


@compiled
def _lzf(packed: npt.NDArray[np.uint8]) -> int:
    at = size = 0
    while at < packed.size:
        control = int(packed[at])
        if control < 32:  # so many bytes follow, and one
            size += control + 1
            at += control + 2
        else:  # a repetition: its length is in three bits, or in a byte more
            length = control >> 5
            at += 1
            if length == 7 and at < packed.size:
                length += int(packed[at])
                at += 1
            size += length + 2
            at += 1
    return size
