"""Find JPEGs of which picture data are missing: libjpeg fills up with grey, and only warns.

At the marker that ends a scan libjpeg takes all that it still needs as zeros; at the end of its
input it gives up. So it gets its input without that marker, and what is short is refused for the
price of a look for markers. The pixels of sound files are the same, bit for bit.

What stays unseen: data lost within one of several scans (progressive files) or between two restart
markers, and other picture data in the place of the right ones.
"""

from __future__ import annotations

import math
import re

_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_SCAN, _INTERVAL, _TABLES, _END = 0xDA, 0xDD, 0xC4, 0xD9
_MARK = re.compile(rb"\xff[^\0]")
_MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")
_LOOKAHEAD = bytes(8)
"""libjpeg reads a register of 64 bits ahead."""
_HOLE = bytes(16)
"""Zeros, as of blocks that were never written to the disk. None of 6,636 photos has more than 5 of
them, nor any of 11,547 files that were encoded again at qualities of 5 to 100."""


def to_decode(data: bytes, frame: int) -> bytes | None:
    """Return the bytes to give to libjpeg, which fails if picture data are missing.

    Args:
        data: content of a JPEG.
        frame: where its frame header begins.

    Returns:
        None where the markers show already that data are missing.
    """
    try:
        return _to_decode(data, frame)
    except (LookupError, ValueError, ZeroDivisionError):  # cut off or damaged within its segments
        return None


def _to_decode(data: bytes, frame: int) -> bytes | None:
    kind, components, interval, position = data[frame + 1], data[frame + 9], 0, frame
    while (marker := data[position + 1]) != _SCAN:
        if marker == _INTERVAL:
            interval = data[position + 4] << 8 | data[position + 5]
        position = _next(data, position)
    if kind == _PROGRESSIVE or data[position + 4] < components:
        return data if _all_scans(data, frame, position) else None
    if kind not in _SEQUENTIAL:
        return data
    start, restarts = _end(data, position), 0
    marks = _MARK.finditer(data, start)
    mark = next(marks, None)
    while interval and mark and mark[0][1] == 0xD0 + restarts % 8:
        restarts += 1
        mark = next(marks, None)
    if mark is None:
        return data
    if interval and restarts - (_units(data, frame) - 1) // interval not in (0, 1):
        return None
    end = mark.start()
    if data.find(_HOLE, start, end) >= 0 and not _zeros_are_even(data, frame, position):
        return None
    return data[:end] + _LOOKAHEAD


def _end(data: bytes, position: int) -> int:
    """Return where the segment ends that begins there."""
    return position + 2 + (data[position + 2] << 8 | data[position + 3])


def _next(data: bytes, position: int) -> int:
    """Return where the next segment begins; rubbish and fill bytes before it libjpeg skips."""
    position = _end(data, position)
    while data[position] != 0xFF or data[position + 1] == 0xFF:
        position += 1
    return position


def _units(data: bytes, frame: int) -> int:
    """Return the number of minimum coded units, between which restart markers are counted."""
    height, width = (data[at] << 8 | data[at + 1] for at in (frame + 5, frame + 7))
    factors = data[frame + 11 : frame + 10 + 3 * data[frame + 9] : 3]
    if len(factors) == 1:
        factors = b"\x11"
    across, down = max(each >> 4 for each in factors), max(each & 15 for each in factors)
    return math.ceil(width / (8 * across)) * math.ceil(height / (8 * down))


def _zeros_are_even(data: bytes, frame: int, scan: int) -> bool:
    """Return True if zeros are an even area by the table of AC codes; by most, blocks of -1."""
    position, wanted = frame, 0x10 + (data[scan + 6] & 15)
    while position < scan:
        if data[position + 1] == _TABLES:
            tables = data[position + 4 : _end(data, position)]
            while len(tables) > 17:
                if tables[0] == wanted and tables[17] == 0:  # the shortest code ends a block
                    return True
                tables = tables[17 + sum(tables[1:17]) :]
        position = _next(data, position)
    return False


def _all_scans(data: bytes, frame: int, position: int) -> bool:
    """Return True if all bits of all coefficients of all components have had their scan."""
    components = data[frame + 10 : frame + 10 + 3 * data[frame + 9] : 3]
    blocks = _units(data, frame)
    missing = {component: bytearray(b"\1" * 64) for component in components}
    while data[position + 1] != _END:
        after = _end(data, position)
        scan = data[position + 1] == _SCAN
        first, last, low = data[after - 3 : after]
        if scan:
            for component in data[position + 5 : after - 3 : 2]:
                missing[component][first : last + 1] = bytes([low & 15]) * (last + 1 - first)
        found = _MARKER.search(data, after)
        if found is None:
            return False
        position = found.start()
        if scan and first == 0 and low < 16 and 8 * (position - after) < blocks:
            return False  # a first scan of DC has at least a bit a block
    return not any(map(any, missing.values()))
