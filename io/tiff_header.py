"""The directory of a TIFF, and whether OpenCV gets its pixels right. EXIF has the same form."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGICS = (b"II*\0", b"MM\0*")
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES = 256, 257, 258, 262, 274, 277
PLANAR, EXTRA, FORMAT = 284, 338, 339
MOST_VALUES = 16
"""Longer lists (where the strips lie) are of no interest here."""

_FORMS = {1: "B", 3: "H", 4: "I"}  # byte, short, long
_GREY, _RGB, _PALETTE, _CMYK, _YCBCR = (0, 1), 2, 3, 5, 6
_ALPHA = {1: "premultiplied", 2: "straight"}


@dataclass(frozen=True)
class TiffHeader:
    """Size, the meaning of the fourth channel as OpenCV returns it, and why not (else empty)."""

    width: int
    height: int
    alpha: str
    refusal: str


def read(data: bytes) -> TiffHeader:
    """Read a TIFF's first directory; ``struct.error`` where it is cut off."""
    found = tags(data)
    bits = set(found.get(BITS, (1,)))
    extra = found.get(EXTRA, ())
    alpha = _ALPHA.get(extra[0], "none") if extra else "none"
    if alpha == "straight" and bits == {8}:
        alpha = "premultiplied"  # libtiff multiplies 8-bit colours by alpha, 16-bit ones not
    return TiffHeader(
        found.get(WIDTH, (0,))[0], found.get(HEIGHT, (0,))[0], alpha, _refusal(found, bits, extra)
    )


def tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """Whole-number tags of the first directory, each with its values; ``{}`` if it is no TIFF."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return {}
    (start,) = struct.unpack(f"{order}I", data[4:8])
    (count,) = struct.unpack(f"{order}H", data[start : start + 2])
    found: dict[int, tuple[int, ...]] = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack(f"{order}HHI", data[entry : entry + 8])
        if kind not in _FORMS or not 1 <= values <= MOST_VALUES:
            continue
        form = f"{order}{values}{_FORMS[kind]}"
        place, size = entry + 8, struct.calcsize(form)
        if size > 4:
            (place,) = struct.unpack(f"{order}I", data[place : place + 4])
        found.setdefault(tag, struct.unpack(form, data[place : place + size]))  # as libtiff does
    return found


def _refusal(found: dict[int, tuple[int, ...]], bits: set[int], extra: tuple[int, ...]) -> str:
    """Why OpenCV 4.14 would return other pixels than the file means; empty where it does not."""
    formats = set(found.get(FORMAT, (1,)))
    photometric = found.get(PHOTOMETRIC, (1,))[0]
    samples = found.get(SAMPLES, (1,))[0]
    if formats != {1}:
        return "its samples are signed, float or complex numbers, whose range is not known"
    if bits not in ({1}, {2}, {4}, {8}, {16}):
        return f"its samples have {sorted(bits)} bits"
    if bits == {16} and samples > 1 and found.get(PLANAR, (1,)) != (1,):
        return "its 16-bit channels lie one after the other"
    if photometric in _GREY:
        if samples > 1 and extra and extra[0] in _ALPHA:
            return "it is grey with alpha, and OpenCV drops the alpha"
        if photometric == 0 and bits == {16}:
            return "its 16-bit grey has white as 0"
        return "" if samples <= 2 else f"it is grey with {samples} channels"
    if photometric in (_RGB, _CMYK, _YCBCR, _PALETTE):
        most = {_RGB: 4, _CMYK: 4, _YCBCR: 3, _PALETTE: 1}[photometric]
        if samples > most:
            return f"it has {samples} channels"
        if photometric != _RGB and bits == {16}:
            return "its 16 bits are neither grey nor RGB"
        return ""
    return f"its colour space (photometric interpretation {photometric}) is neither grey nor RGB"
