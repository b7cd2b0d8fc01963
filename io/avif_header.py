"""What an AVIF says of its primary picture: size, depth, and how it is to be turned.

AVIF is a tree of boxes (ISO/IEC 23008-12): ``meta`` names the primary item, ``ipco`` lists
properties, ``ipma`` gives them to items. OpenCV decodes the item and leaves it unturned.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# (quarter turns anticlockwise, mirror: None, 0 top to bottom, 1 left to right) as EXIF says it;
# the turn comes first.
_AS_EXIF = {
    (0, None): 1,
    (1, None): 8,
    (2, None): 3,
    (3, None): 6,
    (0, 0): 4,
    (0, 1): 2,
    (1, 0): 5,
    (1, 1): 7,
    (2, 0): 2,
    (2, 1): 4,
    (3, 0): 7,
    (3, 1): 5,
}


@dataclass(frozen=True)
class AvifHeader:
    """Size as stored, EXIF orientation, bits a sample."""

    width: int
    height: int
    orientation: int
    depth: int


def is_avif(data: bytes) -> bool:
    """Whether a file says that it is an AVIF, by its main brand or one of the others."""
    return data[4:8] == b"ftyp" and any(
        data[place : place + 4] in (b"avif", b"avis")
        for place in (8, *range(16, min(int.from_bytes(data[:4], "big"), 256), 4))
    )


def read(data: bytes) -> AvifHeader:
    """Read the primary item's properties; a ``KeyError`` or ``ValueError`` where one is missing."""
    meta = dict(_boxes(dict(_boxes(data))[b"meta"][4:]))
    primary = _number(meta[b"pitm"], 4, 2 if meta[b"pitm"][0] == 0 else 4)
    properties = dict(_boxes(meta[b"iprp"]))
    listed = list(_boxes(properties[b"ipco"]))
    own = dict(listed[index - 1] for index in _of_item(properties[b"ipma"], primary) if index)
    width, height = struct.unpack(">II", own[b"ispe"][4:12])
    turns = own[b"irot"][0] & 3 if b"irot" in own else 0
    mirror = own[b"imir"][0] & 1 if b"imir" in own else None
    flags = own[b"av1C"][2] if b"av1C" in own else 0
    depth = 12 if flags & 0x20 else 10 if flags & 0x40 else 8
    return AvifHeader(width, height, _AS_EXIF[turns, mirror], depth)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of the boxes that lie one after the other in ``data``."""
    position = 0
    while position + 8 <= len(data):
        size, start = _number(data, position, 4), position + 8
        if size == 1:  # the size did not fit into four bytes
            size, start = _number(data, position + 8, 8), position + 16
        end = len(data) if size == 0 else position + size
        if end < start:
            raise ValueError("a box is shorter than its own header")
        yield data[position + 4 : position + 8], data[start:end]
        position = end


def _of_item(associations: bytes, item: int) -> list[int]:
    """Numbers, from 1, of the properties that ``ipma`` gives to an item."""
    version, flags = associations[0], _number(associations, 1, 3)
    width, number = (2, 0x7FFF) if flags & 1 else (1, 0x7F)
    position = 8
    for _ in range(_number(associations, 4, 4)):
        size = 2 if version < 1 else 4
        this, count = _number(associations, position, size), associations[position + size]
        position += size + 1
        if this == item:
            places = range(position, position + width * count, width)
            return [_number(associations, place, width) & number for place in places]
        position += width * count
    return []


def _number(data: bytes, place: int, size: int) -> int:
    if place + size > len(data):
        raise ValueError("cut off")
    return int.from_bytes(data[place : place + size], "big")
