"""Pictures of every kind, sound, damaged and made to harm; by name: bytes, and how they may end."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from PIL import Image

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG": ("JPEG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "JPEG with restarts": ("JPEG", {"restart_marker_rows": 1}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "BMP": ("BMP", {}),
    "TIFF": ("TIFF", {"compression": "tiff_lzw"}),
    "raw TIFF": ("TIFF", {}),
    "GIF": ("GIF", {}),
    "AVIF": ("AVIF", {"speed": 10}),
    "JPEG 2000": ("JPEG2000", {}),
    "PNM": ("PPM", {}),
}
READ, REFUSED, EITHER = "read", "refused", "either"
Case = tuple[str, Callable[[], bytes], str]
"""Name, maker, and the right end."""


def picture(height: int = 90, width: int = 120) -> np.ndarray:
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
    noise = rng.integers(0, 9, (height, width, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height)) // 2 + noise


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def encoded(form: str) -> bytes:
    kind, options = FORMS[form]
    return saved(Image.fromarray(picture()), kind, **options)


def with_sizes(form: str) -> Iterator[tuple[tuple[int, int], bytes]]:
    """The picture with other numbers, (height, width), where its size may be told."""
    data = encoded(form)
    lies = ((9000, 9000), (120, 9000), (30_000, 3_000), (65_535, 65_535))
    for layout in (">HH", "<HH", ">II", "<II"):
        for told in ((90, 120), (120, 90)):
            for lie in (*lies, (0, 0), (0, 120), (45, 60), (91, 120)):
                changed = data.replace(struct.pack(layout, *told), struct.pack(layout, *lie))
                if changed != data:
                    yield lie, changed


def of_damages() -> Iterator[Case]:
    """Each kind cut, with a hole, with foreign bytes, with more behind, and lying of its size."""
    for form in FORMS:
        data = encoded(form)
        middle = len(data) // 2
        foreign = encoded("GIF")[500:564]
        yield f"{form}, sound", functools.partial(bytes, data), READ
        for share in (0.02, 0.3, 0.6, 0.9):
            yield (
                f"{form} cut at {share}",
                functools.partial(bytes, data[: int(share * len(data))]),
                REFUSED,
            )
        for label, part in (("a hole", bytes(64)), ("foreign bytes", foreign)):
            changed = data[:middle] + part + data[middle + 64 :]
            yield (
                f"{form} with {label}",
                functools.partial(bytes, changed),
                REFUSED if form == "PNG" else EITHER,
            )
        inserted = data[:middle] + foreign + data[middle:]
        yield (
            f"{form} with more inside",
            functools.partial(bytes, inserted),
            (REFUSED if form == "PNG" else EITHER),
        )
        for label, more in (("zeros", bytes(99)), ("a picture", encoded("GIF"))):
            yield f"{form}, {label} behind", functools.partial(bytes, data + more), READ
        for number, (lie, changed) in enumerate(with_sizes(form)):
            smaller = 0 < lie[0] <= 91 and lie[1]
            name = f"{form} of {lie[0]}x{lie[1]}, it says ({number})"
            yield name, functools.partial(bytes, changed), EITHER if smaller else REFUSED


def exif(orientation: int, *, kind: int = 3, count: int = 1) -> bytes:
    entry = struct.pack("<HHIHH", 0x112, kind, count, orientation, 0)
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)


def of_orientations() -> Iterator[Case]:
    """EXIF of all directions, and damaged."""
    image = Image.fromarray(picture())
    for form in ("JPEG", "PNG", "WebP"):
        kind, options = FORMS[form]
        for orientation in (1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 65_535):
            make = functools.partial(saved, image, kind, exif=exif(orientation), **options)
            yield f"{form}, orientation {orientation}", make, READ
    good = exif(6)
    damaged = {
        "cut": good[:20],
        "empty": good[:6],
        "of no order": good[:6] + b"XX" + good[8:],
        "far off": good[:10] + b"\xff\xff\xff\x7f" + good[14:],
        "of a loop": good[:-4] + b"\x08\0\0\0",
        "of 65,535 entries": good[:14] + b"\xff\xff" + good[16:],
        "of a text": exif(6, kind=2),
        "of a billion": exif(6, count=10**9),
        "of zeros": good[:6] + bytes(40),
    }
    for label, block in damaged.items():
        yield f"EXIF {label}", functools.partial(saved, image, "JPEG", exif=block), READ


def of_modes() -> Iterator[Case]:
    """Colours, depths and frames that are read, or refused because nobody knows their range."""
    image, grey = Image.fromarray(picture()), Image.fromarray(picture()[..., 0])
    deep = (picture().astype(np.uint16) << 8) + 7
    alpha = np.dstack([picture(), np.arange(120, dtype=np.uint8)[None].repeat(90, 0)])
    cmyk, clear = image.convert("CMYK"), Image.fromarray(alpha)

    def by_opencv(ending: str, pixels: np.ndarray) -> Callable[[], bytes]:
        return lambda: cv2.imencode(ending, pixels)[1].tobytes()

    def frames(kind: str, **options: Any) -> Callable[[], bytes]:
        more = [image.rotate(90), image.rotate(180)]
        return lambda: saved(image, kind, save_all=True, append_images=more, **options)

    for ending in (".png", ".tiff"):
        yield f"16 bits, {ending}", by_opencv(ending, deep), READ
        yield f"16 bits grey, {ending}", by_opencv(ending, deep[..., 0]), READ
        yield (
            f"16 bits with alpha, {ending}",
            by_opencv(ending, np.dstack([deep, deep[..., :1]])),
            READ,
        )
    yield "16 bits, .ppm", by_opencv(".ppm", deep), READ
    yield "16 bits, .jp2", by_opencv(".jp2", deep), READ
    yield "32 bits, .tiff", by_opencv(".tiff", deep.astype(np.float32)), REFUSED
    yield "CMYK JPEG", lambda: saved(cmyk, "JPEG"), READ
    yield "CMYK TIFF", lambda: saved(cmyk, "TIFF"), EITHER
    for kind in ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP", "JPEG2000", "PPM"):
        yield f"grey {kind}", functools.partial(saved, grey, kind), READ
    for kind in ("PNG", "TIFF", "WEBP", "JPEG2000", "AVIF", "GIF"):
        yield f"alpha, {kind}", functools.partial(saved, clear, kind), READ
    for bits in (1, 2, 4, 8):
        few = image.quantize(2**bits)
        make = functools.partial(saved, few, "PNG", bits=bits, transparency=0)
        yield f"palette of {bits} bits, transparent", make, READ
        yield f"palette of {bits} bits, BMP", functools.partial(saved, few, "BMP"), READ
    for kind in ("PNG", "TIFF", "BMP", "PPM"):
        yield f"one bit, {kind}", functools.partial(saved, image.convert("1"), kind), READ
    for kind, options in (
        ("GIF", {}),
        ("WEBP", {}),
        ("PNG", {}),
        ("TIFF", {}),
        ("AVIF", {"speed": 10}),
    ):
        yield f"animated {kind}", frames(kind, **options), READ
    for subsampling in (0, 1, 2):
        make = functools.partial(saved, image, "JPEG", subsampling=subsampling, quality=100)
        yield f"JPEG, sampled by {subsampling}", make, READ


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def of_bombs() -> Iterator[Case]:
    """Little that wants much memory or time."""
    png, gif, jpeg = encoded("PNG"), encoded("GIF"), encoded("JPEG")
    zeros = zlib.compress(bytes(2 * 10**8), 9)
    scan = encoded("progressive JPEG")
    last = scan[scan.rindex(b"\xff\xda") : -2]

    def of_png(*chunks: bytes) -> bytes:
        return png[:33] + b"".join(chunks) + png[33:]

    def blank(width: int, height: int, bits: int = 8) -> bytes:
        head = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
        return png[:8] + chunk(b"IHDR", head) + chunk(b"IDAT", zeros) + chunk(b"IEND", b"")

    yield "PNG of 30,000x30,000", lambda: saved(Image.new("1", (30_000, 30_000)), "PNG"), REFUSED
    yield "PNG of less than told", lambda: blank(9_900, 9_900), REFUSED
    yield "PNG of more than told", lambda: blank(100, 100), EITHER
    yield "PNG, a text of 200 MB", lambda: of_png(chunk(b"zTXt", b"a\0\0" + zeros)), READ
    yield "PNG, a profile of 200 MB", lambda: of_png(chunk(b"iCCP", b"a\0\0" + zeros)), READ
    yield "PNG, 50,000 texts", lambda: of_png(chunk(b"tEXt", b"a\0b") * 50_000), EITHER
    yield "PNG, 50,000 empty parts", lambda: of_png(chunk(b"IDAT", b"") * 50_000), EITHER
    yield "PNG, a part of 2 GB", lambda: png[:33] + b"\x7f\xff\xff\xff" + png[37:], REFUSED
    yield "GIF of 65,535x65,535", lambda: gif[:6] + b"\xff" * 4 + gif[10:], REFUSED
    yield (
        "GIF, a frame outside",
        lambda: gif.replace(b"\x2c\0\0\0\0", b"\x2c\xff\xff\xff\xff", 1),
        EITHER,
    )
    yield (
        "GIF of 300 frames",
        lambda: saved(
            Image.fromarray(picture()),
            "GIF",
            save_all=True,
            append_images=[Image.fromarray(np.roll(picture(), n)) for n in range(1, 300)],
        ),
        READ,
    )
    yield "JPEG, 1,000 scans", lambda: scan[:-2] + last * 1000 + b"\xff\xd9", EITHER
    yield "JPEG, 20,000 tables", lambda: jpeg[:2] + b"\xff\xc4\0\x02" * 20_000 + jpeg[2:], EITHER
    yield "JPEG, 1 MB of fill bytes", lambda: jpeg[:2] + b"\xff" * 10**6 + jpeg[2:], EITHER
    yield (
        "JPEG, 1 MB of comments",
        lambda: jpeg[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 16 + jpeg[2:],
        READ,
    )
    yield "JPEG, an end at once", lambda: b"\xff\xd8\xff\xd9" + jpeg[2:], EITHER
    yield "TIFF, a loop of pages", tiff_loop, READ
    yield "TIFF of 65,535 entries", lambda: tiff(2**16 - 1), REFUSED
    yield (
        "BMP, 2 GB of header",
        lambda: encoded("BMP")[:14] + b"\xff\xff\xff\x7f" + bytes(999),
        REFUSED,
    )
    yield "PNM of long numbers", lambda: b"P6 " + b"9" * 10_000 + b" 1 255\n", REFUSED
    yield "PNM of a long comment", lambda: b"P6\n#" + b"x" * 10**6 + b"\n1 1 255\nabc", EITHER
    for ending in ("JPEG", "PNG", "TIFF", "AVIF", "JPEG 2000", "lossless WebP"):
        head = encoded(ending)[:40]
        yield f"zeros behind the head, {ending}", lambda head=head: head + bytes(10**6), REFUSED


def tiff_loop() -> bytes:
    """A page whose next page is itself."""
    data = bytearray(encoded("raw TIFF"))
    (start,) = struct.unpack("<I", data[4:8])
    (entries,) = struct.unpack("<H", data[start : start + 2])
    at = start + 2 + 12 * entries
    data[at : at + 4] = struct.pack("<I", start)
    return bytes(data)


def tiff(entries: int) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + bytes(12 * 100)


GROUPS = (of_damages, of_orientations, of_modes, of_bombs)
