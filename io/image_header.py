"""What an image file says of itself before it is decoded: size and orientation."""

from __future__ import annotations

import struct

WIDTH_TAG, HEIGHT_TAG, ORIENTATION_TAG = 256, 257, 274
_SHORT, _LONG = 3, 4


def size_in_header(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a PNG, JPEG, GIF, BMP, WebP or TIFF; None where it is not found."""
    try:
        if data.startswith(b"\x89PNG"):
            return struct.unpack(">II", data[16:24])
        if data.startswith(b"GIF8"):
            return struct.unpack("<HH", data[6:10])
        if data.startswith(b"BM"):
            width, height = struct.unpack("<ii", data[18:26])
            return abs(width), abs(height)
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
        tags = _tiff_tags(data)
    except struct.error:  # cut off within its header
        return None
    return (tags[WIDTH_TAG], tags[HEIGHT_TAG]) if WIDTH_TAG in tags and HEIGHT_TAG in tags else None


def png_orientation(data: bytes) -> int:
    """EXIF orientation, 1 to 8, of a PNG; 1 where it has none."""
    position = 8
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] == b"eXIf":
            try:
                tags = _tiff_tags(data[position + 8 : position + 8 + length])
            except struct.error:
                return 1
            return tags.get(ORIENTATION_TAG, 1)
        position += 12 + length
    return 1


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From the first start-of-frame marker."""
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """From the first chunk: extended, lossless or lossy."""
    kind = data[12:16]
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Whole-number tags of a TIFF's first directory; EXIF data has the same form."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return {}
    (start,) = struct.unpack(f"{order}I", data[4:8])
    (count,) = struct.unpack(f"{order}H", data[start : start + 2])
    tags = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack(f"{order}HH", data[entry : entry + 4])
        if kind in (_SHORT, _LONG):
            form, end = ("H", 10) if kind == _SHORT else ("I", 12)
            (tags[tag],) = struct.unpack(f"{order}{form}", data[entry + 8 : entry + end])
    return tags
