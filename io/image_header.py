"""Read the header of an image file before it is decoded: kind, size, orientation, transparency.

By hand, in 3 µs where Pillow takes 25 and warns of damaged EXIF, which cannot be silenced in one
thread alone. AVIF and HEIC, trees of boxes, are left to Pillow and pillow-heif.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sightkit.io.avif_frames import true_size
from sightkit.io.heic import open_heic
from sightkit.io.image_kinds import kind_of

_TIFF_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TIFF_FORMS = {1: "B", 3: "H", 4: "I"}  # byte, short, long
_TIFF_MOST_VALUES = 16  # longer lists (where the strips lie) are of no interest here
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 256, 257, 258, 262, 274, 277
_PLANAR, _EXTRA, _FORMAT, _SUBFILE = 284, 338, 339, 254
_GREY, _RGB, _PALETTE, _CMYK, _YCBCR = (0, 1), 2, 3, 5, 6
_TIFF_ALPHA = {1: "premultiplied", 2: "straight"}
_EXIF_MARK = b"Exif\0\0"
_PNM = re.compile(rb"P([1-6])" + rb"(?:\s|#[^\n]*\n)+(\d+)" * 2 + rb"(?:(?:\s|#[^\n]*\n)+(\d+))?\s")
_CODESTREAM = b"\xff\x4f\xff\x51"  # JPEG 2000: start of codestream, then of its size


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image file.

    Attributes:
        kind: ``"JPEG"``, ``"PNG"``, …
        width: pixels as they are stored, before the orientation is applied; likewise ``height``.
        orientation: of EXIF, 1 to 8, that the decoder leaves to us.
        depth: bits a sample that the decoder's 16-bit arrays hold.
        alpha: what a fourth channel is: ``"straight"``, ``"premultiplied"`` or ``"none"``.
        transparent_grey: the grey of a PNG that is transparent, at its own depth.
        plain: there is neither alpha nor 16 bits, so that the decoder may make it RGB itself.
        complete: the file is neither cut off nor damaged, as far as its checksums say.
        refusal: why the decoder's pixels would be wrong; empty where they are right.
        frame: where the frame header of a JPEG begins.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    depth: int = 16
    alpha: str = "straight"
    transparent_grey: int | None = None
    plain: bool = False
    complete: bool = True
    refusal: str = ""
    frame: int = 0


def read_header(data: bytes) -> ImageHeader | None:
    """Read the header of a file of one of the supported kinds; None where it is none.

    Args:
        data: content of a file; it may be cut off or damaged.
    """
    read = _READERS.get(kind_of(data) or "")
    try:
        header = read(data) if read else None
    except (struct.error, KeyError, IndexError, ValueError):  # cut off within its header
        return None
    return header if header and header.width > 0 and header.height > 0 else None


def _jpeg(data: bytes) -> ImageHeader | None:
    """Size from the first start-of-frame marker, orientation from the EXIF segment before it."""
    position, orientation = 2, 1
    while position + 9 < len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker == 0xFF:  # rubbish or a fill byte: libjpeg skips both
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return ImageHeader("JPEG", width, height, orientation, plain=True, frame=position)
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # these have no length
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xE1 and data[position + 4 :].startswith(_EXIF_MARK) and orientation == 1:
            orientation = _orientation(data[position + 4 : end])
        position = end
    return None


def _png(data: bytes) -> ImageHeader:
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    chunks = dict(_png_chunks(data))
    grey = None
    if colour == 0 and b"tRNS" in chunks:
        grey = int.from_bytes(chunks[b"tRNS"][:2], "big") & ((1 << depth) - 1)
        # Below 8 bits the decoder spreads the greys over 0-255.
        grey = grey if depth >= 8 else grey * 255 // ((1 << depth) - 1)
    return ImageHeader(
        "PNG",
        width,
        height,
        _orientation(chunks.get(b"eXIf", b"")),
        transparent_grey=grey,
        complete=b"IEND" in chunks,
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """(name, content) of the chunks, up to the end marker or the first that is damaged.

    libpng would pass over a damaged transparency or orientation, and write to stderr itself.
    """
    position, name, view = 8, b"", memoryview(data)
    while name != b"IEND" and position + 12 <= len(data):
        length, name = struct.unpack(">I4s", view[position : position + 8])
        content, crc = (
            view[position + 8 : position + 8 + length],
            view[position + 8 + length : position + 12 + length],
        )
        if crc != zlib.crc32(content, zlib.crc32(name)).to_bytes(4, "big"):
            return
        yield name, content
        position += 12 + length


def _bmp(data: bytes) -> ImageHeader:
    if struct.unpack("<I", data[14:18])[0] == 12:  # OS/2: sizes of 16 bits
        width, height, _, depth = struct.unpack("<4H", data[18:26])
    else:
        width, height, _, depth = struct.unpack("<iiHH", data[18:30])
    # Asked for what is there, OpenCV 4.14 returns an OS/2 colour picture as grey.
    return ImageHeader("BMP", abs(width), abs(height), plain=depth < 32)


def _webp(data: bytes) -> ImageHeader | None:
    """Size from the first chunk (extended, lossless or lossy), orientation from the EXIF chunk."""
    kind = data[12:16]
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return ImageHeader("WebP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return ImageHeader("WebP", width & 0x3FFF, height & 0x3FFF)
    if kind != b"VP8X":
        return None
    width = 1 + int.from_bytes(data[24:27], "little")
    height = 1 + int.from_bytes(data[27:30], "little")
    position, orientation = 12, 1
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"EXIF":
            orientation = _orientation(data[position + 8 : position + 8 + length])
        position += 8 + length + length % 2
    return ImageHeader("WebP", width, height, orientation)


def _gif(data: bytes) -> ImageHeader:
    return ImageHeader("GIF", *struct.unpack("<HH", data[6:10]))


def _pnm(data: bytes) -> ImageHeader | None:
    match = _PNM.match(data)
    if not match:
        return None
    kind, width, height, largest = match.groups()
    known = kind in b"14" or largest in (b"255", b"65535")
    refusal = "" if known else f"its largest value is {largest.decode() if largest else 'missing'}"
    return ImageHeader("PNM", int(width), int(height), refusal=refusal)


def _jpeg_2000(data: bytes) -> ImageHeader:
    codestream = data.index(_CODESTREAM)
    start = codestream + 8
    right, lower, left, top = struct.unpack(">4I", data[start : start + 16])
    (count,) = struct.unpack(">H", data[start + 32 : start + 34])
    depths = {byte + 1 for byte in data[start + 34 : start + 34 + 3 * count : 3]}
    refusal = "" if depths in ({8}, {16}) else f"its samples have {sorted(depths)} bits"
    refusal = "it is grey with alpha" if count == 2 else refusal
    colour = data.find(b"colr\1", 0, codestream)  # method 1: a number for the colour space
    if colour >= 0 and data[colour + 7 : colour + 11] not in (b"\0\0\0\x10", b"\0\0\0\x11"):
        refusal = "its colour space is neither grey nor sRGB"
    return ImageHeader("JPEG 2000", right - left, lower - top, refusal=refusal)


def _heic(data: bytes) -> ImageHeader | None:
    """Size as it is shown, and what its alpha is, by pillow-heif."""
    picture = open_heic(data)
    if picture is None:
        return None
    alpha = "premultiplied" if picture.premultiplied_alpha else "straight"
    refusal = "its grey has more than 8 bits" if picture.mode.startswith("I") else ""
    return ImageHeader("HEIC", *picture.size, alpha=alpha, refusal=refusal)


def _avif(data: bytes) -> ImageHeader | None:
    """Size and orientation of the primary item by Pillow, bits a sample of its configuration."""
    from PIL.AvifImagePlugin import AvifImageFile

    try:
        picture = AvifImageFile(io.BytesIO(data))
    except (SyntaxError, OSError, RuntimeError, MemoryError):
        return None
    flags = data[data.index(b"av1C") + 6]  # AV1CodecConfigurationRecord, third byte
    depth = 12 if flags & 0x20 else 10 if flags & 0x40 else 8
    size, refusal = true_size(data, picture.size)
    turn = _orientation(picture.info.get("exif", b""))  # Pillow writes that of the boxes into it
    return ImageHeader("AVIF", *size, turn, depth, refusal=refusal)


def _tiff(data: bytes) -> ImageHeader:
    """The first directory; its orientation is applied by the decoder."""
    tags = _tiff_tags(data)
    bits, extra = set(tags.get(_BITS, (1,))), tags.get(_EXTRA, ())
    alpha = _TIFF_ALPHA.get(extra[0], "none") if extra else "none"
    if alpha == "straight" and bits == {8}:
        alpha = "premultiplied"  # libtiff multiplies 8-bit colours by alpha, 16-bit ones not
    width, height = (tags.get(tag, (0,))[0] for tag in (_WIDTH, _HEIGHT))
    refusal = _tiff_refusal(tags, bits, extra)
    return ImageHeader("TIFF", width, height, alpha=alpha, refusal=refusal)


def _tiff_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """Whole-number tags of the first directory, each with its values; ``{}`` if it is no TIFF."""
    order = _TIFF_ORDERS.get(data[:4])
    if order is None:
        return {}
    (start,) = struct.unpack(f"{order}I", data[4:8])
    (count,) = struct.unpack(f"{order}H", data[start : start + 2])
    found: dict[int, tuple[int, ...]] = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack(f"{order}HHI", data[entry : entry + 8])
        if kind not in _TIFF_FORMS or not 1 <= values <= _TIFF_MOST_VALUES:
            continue
        form = f"{order}{values}{_TIFF_FORMS[kind]}"
        place, size = entry + 8, struct.calcsize(form)
        if size > 4:
            (place,) = struct.unpack(f"{order}I", data[place : place + 4])
        found.setdefault(tag, struct.unpack(form, data[place : place + size]))  # as libtiff does
    return found


def _tiff_refusal(tags: dict[int, tuple[int, ...]], bits: set[int], extra: tuple[int, ...]) -> str:
    """Return why OpenCV 4.14 would decode it wrongly; empty where it does not."""
    formats = set(tags.get(_FORMAT, (1,)))
    photometric = tags.get(_PHOTOMETRIC, (1,))[0]
    samples = tags.get(_SAMPLES, (1,))[0]
    if tags.get(_SUBFILE, (0,))[0] & 1:
        return "its first picture is a small copy of another, as in a camera's raw file"
    if formats != {1}:
        return "its samples are signed, float or complex numbers, whose range is not known"
    if bits not in ({1}, {2}, {4}, {8}, {16}):
        return f"its samples have {sorted(bits)} bits"
    if bits == {16} and samples > 1 and tags.get(_PLANAR, (1,)) != (1,):
        return "its 16-bit channels are stored one after the other"
    if photometric in _GREY:
        if samples > 1 and extra and extra[0] in _TIFF_ALPHA:
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


def _orientation(exif: bytes | memoryview) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it is damaged."""
    try:
        tags = _tiff_tags(bytes(exif).removeprefix(_EXIF_MARK))
    except struct.error:
        return 1
    value = tags.get(_ORIENTATION, (1,))[0]
    return value if 1 <= value <= 8 else 1


_READERS: dict[str, Callable[[bytes], ImageHeader | None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "WebP": _webp,
    "TIFF": _tiff,
    "AVIF": _avif,
    "HEIC": _heic,
    "JPEG 2000": _jpeg_2000,
    "PNM": _pnm,
}
