"""Archives whose headers lie, and bombs; by name."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable

from hostile_archives import OTHER, PHOTOS, Archives, header, tar, zipped
from PIL import Image

MEGABYTES = 200
"""Of zeros in a bomb."""


def field(at: int, value: bytes, *, signed: bool = True) -> Callable[[], bytes]:
    """Overwrite a part of the first header of a tar."""

    def make() -> bytes:
        data = bytearray(tar(*PHOTOS, form=tarfile.USTAR_FORMAT))
        data[at : at + len(value)] = value
        if signed:
            data[148:156] = b" " * 8
            data[148:156] = b"%06o\0 " % sum(data[:512])
        return bytes(data)

    return make


def before(kind: bytes, content: bytes, *, size: int | None = None, times: int = 1) -> bytes:
    """Members of one kind before those of a tar, as pax and GNU have for what is to come."""
    info = header("x", len(content) if size is None else size, type=kind)
    block = info.tobuf() + content + bytes(-len(content) % 512)
    return block * times + tar(*PHOTOS, form=tarfile.USTAR_FORMAT)


def pax(**values: str) -> bytes:
    """A pax header; its keys may have dots, written as ``__``."""
    lines = b""
    for key, value in values.items():
        text = f" {key.replace('__', '.')}={value}\n".encode()
        length = next(n for n in range(3, 10**7) if len(str(n)) + len(text) == n)
        lines += b"%d" % length + text
    return lines


def of_headers() -> Archives:
    """Tars whose headers lie."""
    sizes = {
        "negative": (2**96 - 1536).to_bytes(12, "big"),
        "2^40 bytes": b"\x80" + (2**40).to_bytes(11, "big"),
        "2^87 bytes": b"\x80" + (2**87).to_bytes(11, "big"),
        "no number": b"no number\0\0\0",
        "one byte less": b"%011o\0" % (len(PHOTOS[0][1]) - 1),
        "a block more": b"%011o\0" % (len(PHOTOS[0][1]) + 512),
        "empty": bytes(12),
    }
    found: Archives = {f"tar: size {label}": field(124, value) for label, value in sizes.items()}
    found |= {
        "tar: wrong check sum": field(0, b"z", signed=False),
        "tar: mode of all bits": field(100, b"7777777\0"),
        "tar: time without end": field(136, b"\x80" + b"\xff" * 11),
        "tar: owner of no number": field(108, b"!!!!!!!\0"),
        "tar: a prefix that leads out": field(345, b"../.."),
        "tar: another magic": field(257, b"hello\0xx"),
        "tar: GNU name of 2 MB": lambda: before(b"L", b"n" * 2**21),
        "tar: GNU name of no bytes": lambda: before(b"L", b""),
        "tar: GNU name, 3,000 times": lambda: before(b"L", b"name\0", times=3000),
        "tar: GNU name that leads out": lambda: before(b"L", b"../../victim\0"),
        "tar: GNU name of 4 GB": lambda: before(b"L", b"n", size=2**32),
        "tar: pax header of 4 GB": lambda: before(b"x", b"n", size=2**32),
        "tar: pax header, 3,000 times": lambda: before(b"x", pax(a="b"), times=3000),
        "tar: global pax header, 3,000 times": lambda: before(b"g", pax(a="b"), times=3000),
        "tar: pax header of no form": lambda: before(b"x", b"hello\n"),
        "tar: pax header of no length": lambda: before(b"x", b"0 a=b\n"),
        "tar: pax header of a long length": lambda: before(b"x", b"999999999 a=b\n"),
        "tar: pax header of a negative length": lambda: before(b"x", b"-9 a=b\n"),
        "tar: pax header of digits": lambda: before(b"x", b"9" * 5000 + b" a=b\n"),
        "tar: pax sparse": lambda: before(
            b"x", pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__name="x")
        ),
    }
    values = {
        "path": ("../../victim", "/tmp/sightkit-victim", "", "x" * 10_000, "\0"),
        "size": (str(2**60), "-1", "abc", "1e9", "9" * 5000, "0"),
        "mtime": ("nan", "inf", "x"),
        "uid": ("-1", "1.5"),
        "hdrcharset": ("BINARY", "x"),
        "linkpath": ("../victim",),
        "SCHILY__xattr__user.x": ("y" * 100_000,),
    }
    for kind, place in ((b"x", "pax"), (b"g", "global pax")):
        for key, texts in values.items():
            for text in texts:
                make = functools.partial(before, kind, pax(**{key: text}))
                found[f"tar: {place} {key}={text[:12]!r}"] = make
    return found


def patched(*changes: tuple[bytes, int, bytes], source: bytes = b"") -> Callable[[], bytes]:
    """Overwrite a part of a zip: after each magic number, at an offset from it."""

    def make() -> bytes:
        data = bytearray(source or zipped(*PHOTOS))
        for magic, at, value in changes:
            start = data.index(magic) + at
            data[start : start + len(value)] = value
        return bytes(data)

    return make


LOCAL, ENTRY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def both(at: int, value: bytes) -> Callable[[], bytes]:
    """Overwrite a field of the first member in both of its headers, of the offset in the first."""
    return patched((LOCAL, at, value), (ENTRY, at + 2, value))


def overlapping(times: int, step: int = 0) -> bytes:
    """A directory that names the data of one member many times."""
    data = zipped(("set/a/x0000", bytes(10**6)))
    end = data.rindex(END)
    (start,) = struct.unpack("<I", data[end + 16 : end + 20])
    entries = [data[start:end].replace(b"x0000", b"x%04d" % n) for n in range(times)]
    tail = bytearray(data[end:])
    tail[8:16] = struct.pack("<HHI", times, times, sum(map(len, entries)))
    return data[:start] + b"".join(entries) + bytes(tail)


def zip64(size: int, extra: int = 16) -> bytes:
    """A member whose size is in an extra field, and a lie."""
    info = zipfile.ZipInfo("set/a/x.png")
    info.extra = struct.pack("<HHQQ", 1, extra, size, size)
    data = bytearray(zipped(*PHOTOS, (info, OTHER)))
    start = data.rindex(ENTRY)
    data[start + 20 : start + 28] = b"\xff" * 8
    return bytes(data)


def of_directories() -> Archives:
    """Zips whose directories lie."""
    size, big = struct.pack("<I", 10), struct.pack("<I", 2**31)
    found: Archives = {
        "zip: encrypted": both(6, b"\x01\0"),
        "zip: strongly encrypted": both(6, b"\x41\0"),
        "zip: encrypted directory": both(6, b"\x01\x20"),
        "zip: patches": both(6, b"\x20\0"),
        "zip: data behind, and no sizes": both(6, b"\x08\0"),
        "zip: wrong check sum": both(14, b"\1\2\3\4"),
        "zip: less data than told": both(22, big),
        "zip: more data than told": both(22, size),
        "zip: less packed data": both(18, size),
        "zip: more packed data": both(18, big),
        "zip: another name inside": patched((LOCAL, 30, b"../../a/0.p")),
        "zip: a long name inside": patched((LOCAL, 26, b"\xff\xff")),
        "zip: a long name in the directory": patched((ENTRY, 28, b"\xff\xff")),
        "zip: a long extra field": patched((ENTRY, 30, b"\xff\xff")),
        "zip: a long comment": patched((ENTRY, 32, b"\xff\xff")),
        "zip: a member far off": patched((ENTRY, 42, big)),
        "zip: a member in the directory": patched((ENTRY, 42, b"\0\x08\0\0")),
        "zip: a later volume": patched((ENTRY, 34, b"\7\0")),
        "zip: a newer version": both(4, b"\xff\0"),
        "zip: no entry": patched((END, 8, b"\0\0\0\0")),
        "zip: 65,535 entries": patched((END, 8, b"\xff\xff\xff\xff")),
        "zip: a directory far off": patched((END, 16, big)),
        "zip: a directory of all": patched((END, 12, big)),
        "zip: a directory of nothing": patched((END, 12, b"\0\0\0\0")),
        "zip: a comment that is cut": patched((END, 20, b"\xff\xff")),
        "zip: no end": patched((END, 0, b"PK??")),
        "zip: an end alone": lambda: b"PK\5\6" + bytes(18),
        "zip: two ends": lambda: zipped(*PHOTOS) + zipped(("x", b""))[-22:],
        "zip: one behind another": lambda: zipped(("../victim", b"x")) + zipped(*PHOTOS),
        "zip: text behind": lambda: zipped(*PHOTOS) + b"hello",
        "zip: text before": lambda: b"PK hello" + zipped(*PHOTOS),
        "zip: times of no date": both(10, b"\xff" * 4),
        "zip: one member, 1,000 names": lambda: overlapping(1000),
        "zip: one member, 100 names": lambda: overlapping(100),
        "zip64: 2^63 bytes": lambda: zip64(2**63),
        "zip64: 2^40 bytes": lambda: zip64(2**40),
        "zip64: no bytes": lambda: zip64(0),
        "zip64: a short field": lambda: zip64(5, 3),
        "zip64: a long field": lambda: zip64(5, 60_000),
        "zip64: an end far off": lambda: (
            zipped(*PHOTOS)[:-22]
            + struct.pack("<4sIQI", b"PK\6\7", 0, 2**62, 1)
            + zipped(*PHOTOS)[-22:]
        ),
    }
    for method in (1, 6, 9, 12, 14, 93, 95, 98, 99, 0xFFFF):
        found[f"zip: method {method}"] = both(8, struct.pack("<H", method))
    return found


def of_bombs() -> Archives:
    """Little that becomes much."""
    zeros = functools.cache(lambda: bytes(MEGABYTES * 2**20))
    bomb = functools.cache(lambda: tar(*PHOTOS, ("set/bomb", zeros())))

    def packed(method: int) -> Callable[[], bytes]:
        return lambda: zipped(*PHOTOS, ("set/bomb", zeros()), compression=method)

    def inside(times: int) -> bytes:
        data = tar(*PHOTOS)
        for _ in range(times):
            data = gzip.compress(data)
        return data

    return {
        "bomb: gzip": lambda: gzip.compress(bomb(), 1),
        "bomb: xz": lambda: lzma.compress(bomb(), preset=0),
        "bomb: bzip2": lambda: bz2.compress(bomb(), 1),
        "bomb: deflate": packed(zipfile.ZIP_DEFLATED),
        "bomb: zip of bzip2": packed(zipfile.ZIP_BZIP2),
        "bomb: zip of lzma": packed(zipfile.ZIP_LZMA),
        "bomb: behind the end": lambda: gzip.compress(tar(*PHOTOS) + zeros(), 1),
        "bomb: many parts": lambda: gzip.compress(tar(*PHOTOS)) + gzip.compress(bytes(2**20)) * 200,
        "bomb: empty parts": lambda: gzip.compress(b"") * 20_000 + gzip.compress(tar(*PHOTOS)),
        "bomb: many files": lambda: gzip.compress(
            tar(*PHOTOS, *((f"set/{n}", bytes(2**20)) for n in range(MEGABYTES))), 1
        ),
        "bomb: gzip in gzip": lambda: inside(2),
        "bomb: gzip, 30 times": lambda: inside(30),
        "bomb: xz of a large dictionary": lambda: lzma.compress(
            tar(*PHOTOS),
            filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}],
        ),
        "bomb: a picture": lambda: zipped(*PHOTOS, ("set/a/x.png", large_picture())),
    }


def large_picture() -> bytes:
    stream = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(stream, "PNG")
    return stream.getvalue()
