"""What TIFF files, and those that fabio reads, claim to hold: looked at before a library makes room for it."""

import re
from math import prod
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import fabio
import tifffile

from camsortxs.adapters import claims
from camsortxs.errors import FrameError
from camsortxs.frames import MAX_PIXELS, check_shape

_SLACK = 16 * 1024**2
_DEFLATE = (8, 32946)
_PLAIN = (1, 32773)
"""TIFF's numbers for no compression and for PackBits, which unpacks to 64 times as much at most."""
_FORMATS = ("bruker", "bruker100", "cbf", "dtrek", "edf", "GE", "mar345", "marccd/tif", "pilatus", "tif")
"""Of what fabio reads: no more is made room for than the header and the size of the file tell."""
_UNPACKED = ("fit2d", "HiPiC", "pixi", "raxis")
"""Of these, no more is read than the file has."""
_BY_SUFFIX = re.compile(r"\.(cbf|edf|ge\d?)", re.IGNORECASE)
"""These may begin with anything."""
_SECTION, _PIXELS, _HEADER = b"--CIF-BINARY-FORMAT-SECTION--", b"\x0c\x1a\x04\xd5", 16 * 512
_PACKED = re.compile(rb"X:\s*(\d{1,9}),\s*Y:\s*(\d{1,9})")
_NEGATIVE = re.compile(rb"=[\s\0]*-[\d.]")
_SIZE = re.compile(rb"(?:size|dim_\d+)\Z", re.IGNORECASE)


def check_page(page: Any) -> None:
    """Refuse a page of a TIFF file before it is read.

    Raises
    ------
    FrameError
        With reason `too_large`, `unsupported_form` when it is packed in a way that may unpack to anything, and those
        of `check_shape`.
    """
    check_shape(page.shape, page.dtype)
    if prod(page.chunks) > MAX_PIXELS:
        raise FrameError("too_large", f"tiles of {page.chunks} are larger than any image")
    if page.compression not in (*_PLAIN, *_DEFLATE):
        raise FrameError("unsupported_form", f"nobody says what TIFF's compression {page.compression} unpacks to")
    declared = prod(page.chunks) * page.dtype.itemsize
    largest = max(page.databytecounts, default=0)
    if largest > 2 * max(declared, page.nbytes) + _SLACK:
        raise FrameError("too_large", f"a part of {largest} bytes is more than an image of {page.shape} has")
    if page.compression in _DEFLATE:
        for packed, _ in page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts):
            if packed is not None and claims.deflate(packed, declared + _SLACK) > declared + _SLACK:
                raise FrameError("too_large", f"a part unpacks to more than the {declared} bytes that it has room for")


def check_file(path: Path) -> None:
    """Refuse a file before fabio reads it. Most of its readers read all of it at once; for EDF there is `check_frame`.

    Raises
    ------
    FrameError
        With reason `too_large`, `unsupported_form` for a format that unpacks to anything, and those of `check_shape`.
    OSError
        When fabio would not come to an end of it.
    """
    _check_end(path)
    with path.open("rb") as file:
        start = file.read(32)
    form = next((name for magic, name in fabio.openimage.MAGIC_NUMBERS if start.startswith(magic)), None)
    if form in _UNPACKED:
        if path.stat().st_size > 16 * MAX_PIXELS:
            raise FrameError("too_large", f"{path.name} has far more bytes than an image")
        return
    if form not in _FORMATS and (form or not _BY_SUFFIX.fullmatch(path.suffix)):
        raise FrameError("unsupported_form", f"{path.name} is not one of the formats that are read, but {form}")
    header = fabio.openimage.openheader(str(path))
    kind = type(header).__name__
    if isinstance(header, fabio.tifimage.TifImage):
        with tifffile.TiffFile(path) as file:
            check_page(file.pages[0])
    elif kind != "EdfImage":
        said = header.header
        shape = (int(said["SIZE2"]), int(said["SIZE1"])) if kind == "DtrekImage" else header.shape
        check_shape(tuple(max(side, 0) for side in shape), "u4")
        if kind != "GeImage" and path.stat().st_size > 16 * prod(shape) + _SLACK:
            raise FrameError("too_large", f"{path.name} has far more bytes than an image of {shape}")
    if kind == "Mar345Image":  # whose pixels tell their number once more
        for width, height in _PACKED.findall(path.read_bytes()):
            check_shape((int(height), int(width)), "u4")


def check_frame(frame: Any) -> None:
    """Refuse a frame of fabio's before its pixels are read.

    Raises
    ------
    FrameError
        With reason `too_large`, `unsupported_form` when the pixels of an EDF file are packed (other than the file as a
        whole) or in another file, and those of `check_shape`.
    """
    check_shape(frame.shape, frame.dtype)
    if not isinstance(frame, fabio.edfimage.EdfFrame):
        return
    packed = [value for key, value in frame.header.items() if key.upper() == "COMPRESSION"]
    if frame.bfname or any(not value.upper().startswith("NO") for value in packed):
        raise FrameError("unsupported_form", f"the pixels of an EDF file are in another one, or packed {packed}")
    if frame.blobsize > 2 * prod(frame.shape) * frame.dtype.itemsize + _SLACK:
        raise FrameError("too_large", f"{frame.blobsize} bytes are more than an image of {frame.shape} has")


def _check_end(path: Path) -> None:
    """Refuse what sends fabio (2026.6) round in circles: CBF without pixels, EDF with frames of a negative size."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        edf = data[:512].lstrip().startswith(b"{")
        if data[:6] == b"###CBF" or (path.suffix.lower() == ".cbf" and not edf):
            section = data.find(_SECTION, 0, _HEADER)
            if section < 0 or data.find(_PIXELS, section) < 0:
                raise OSError("a CBF file without pixels")
        for hit in _NEGATIVE.finditer(data) if edf else ():
            before = data[max(0, hit.start() - 1024**2) : hit.start()].rstrip(b" \t\n\r\v\f\0")
            if not before or _SIZE.search(before[-64:]):
                raise OSError(f"a negative size: {hit[0]!r} at byte {hit.start()}")
