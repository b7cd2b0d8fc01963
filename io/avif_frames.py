"""The size of the frames that an AVIF's AV1 streams hold, whatever its boxes declare."""

from __future__ import annotations

import math
from collections.abc import Iterator

_SEQUENCE_HEADER = 1


def true_size(data: bytes, declared: tuple[int, int]) -> tuple[tuple[int, int], str]:
    """Return (width, height) of the largest frame, and why the file is refused; empty if it is not.

    Args:
        data: content of an AVIF.
        declared: its size as its boxes declare it.

    Raises:
        ValueError: no item is found.
        IndexError: the file is cut off.
    """
    sizes = [size for item in _items(data) for size in _frames(item)]
    same = declared in sizes or (sizes and b"grid" in data)  # of tiles
    refusal = "" if same else "its boxes and its stream declare different sizes"
    return max([declared, *sizes], key=math.prod), refusal


def _items(data: bytes) -> Iterator[bytes]:
    """Yield the parts of the file that the item location box names, item by item."""
    read = _Bits(data, 8 * (data.index(b"iloc") + 4))
    version = read(8)
    read(24)
    offsets, lengths, bases, indices = (8 * read(4) for _ in range(4))
    for _ in range(read(32 if version == 2 else 16)):
        read(32 if version == 2 else 16)
        method = read(16) & 15 if version else 0
        read(16)
        base, item = read(bases), b""
        for _ in range(read(16)):
            read(indices if version else 0)
            start, length = base + read(offsets), read(lengths)
            item += data[start : start + length or None]
        if method == 0:
            yield item


def _frames(item: bytes) -> Iterator[tuple[int, int]]:
    """Yield the sizes of the sequence headers among the units of a stream."""
    position = 0
    while position < len(item) and item[position] & 0x82 == 0x02:  # a unit with its length
        kind, extended = item[position] >> 3, item[position] >> 2 & 1
        position += 1 + extended
        length = shift = 0
        while True:  # LEB128
            byte = item[position]
            length |= (byte & 127) << shift
            position, shift = position + 1, shift + 7
            if byte < 128:
                break
        if kind == _SEQUENCE_HEADER:
            yield _frame_size(_Bits(item, 8 * position))
        position += length


def _frame_size(read: _Bits) -> tuple[int, int]:
    """Read a sequence header (AV1 specification, 5.5.1) as far as its largest frame."""
    read(4)  # profile, still picture
    if read(1):  # reduced
        read(5)
    else:
        delays = _timing(read)
        displayed = read(1)
        for _ in range(read(5) + 1):  # operating points
            read(12)
            read(1 if read(5) > 7 else 0)
            if delays and read(1):
                read(2 * delays + 1)
            if displayed and read(1):
                read(4)
    widths, heights = read(4) + 1, read(4) + 1
    return read(widths) + 1, read(heights) + 1


def _timing(read: _Bits) -> int:
    """Read the timing of a sequence header; return the bits of a delay, 0 where there are none."""
    if not read(1):
        return 0
    read(64)
    if read(1):  # a variable number of ticks a picture
        zeros = 0
        while not read(1):
            zeros += 1
        read(zeros)
    if not read(1):
        return 0
    delays = read(5) + 1
    read(42)
    return delays


class _Bits:
    """Numbers of so many bits each, one after the other."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def __call__(self, bits: int) -> int:
        first, self._position = self._position, self._position + bits
        if self._position > 8 * len(self._data):
            raise IndexError("cut off")
        part = self._data[first // 8 : -(-self._position // 8)]
        return int.from_bytes(part, "big") >> -self._position % 8 & (1 << bits) - 1
