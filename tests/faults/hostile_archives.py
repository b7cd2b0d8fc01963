"""Archives that nobody packed with good intentions, by name: bytes made of sound members."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

Member = tuple[Any, bytes]
"""A name, or a header, and the content."""
Archives = dict[str, Callable[[], bytes]]


def photo(label: int, number: int) -> bytes:
    """A PNG: the first class is dark, the second bright."""
    rng = np.random.default_rng([label, number])
    pixels = rng.integers(128 * label, 128 * label + 100, (16, 16, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PHOTOS = [
    (f"set/{name}/{number}.png", photo(label, number))
    for label, name in enumerate("ab")
    for number in range(6)
]
OTHER = photo(0, 99)


def header(name: str, size: int = 0, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def tar(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
    ) as file:
        for name, data in members:
            info = header(name, len(data)) if isinstance(name, str) else name
            file.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(*members: Member, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as file:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            file.writestr(name, data)
    return stream.getvalue()


PACKS = {"zip": zipped, "tar": tar}


def sound() -> dict[str, bytes]:
    """Return archives of the photos as people and systems pack them."""
    plain, more = tar(*PHOTOS), [("set/notes.txt", b"of mine"), ("set/a/Thumbs.db", b"x")]
    folders = [(header(name, type=tarfile.DIRTYPE), b"") for name in ("./set", "./set/a")]
    dotted = [(f"./{name}", data) for name, data in PHOTOS]
    pax = [(header(name, len(data), pax_headers={"comment": "ü"}), data) for name, data in PHOTOS]
    commented = zipped(*PHOTOS)[:-2] + struct.pack("<H", 7) + b"comment"
    return {
        "zip": zipped(*PHOTOS),
        "stored zip": zipped(*PHOTOS, compression=zipfile.ZIP_STORED),
        "zip with folders": zipped(("set/", b""), ("set/a/", b""), *PHOTOS),
        "zip with other files": zipped(*PHOTOS, *more),
        "zip with a comment": commented,
        "tar": plain,
        "ustar": tar(*PHOTOS, form=tarfile.USTAR_FORMAT),
        "gnu tar": tar(*PHOTOS, form=tarfile.GNU_FORMAT),
        "tar of pax": tar(*pax),
        "tar with folders": tar(*folders, *dotted),
        "tar with other files": tar(*PHOTOS, *more),
        "tar.gz": gzip.compress(plain),
        "tar.gz in two parts": gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]),
        "tar.bz2": bz2.compress(plain),
        "tar.xz": lzma.compress(plain),
    }


NAMES = {
    "zip-slip": "../victim",
    "zip-slip below": "set/../../victim",
    "zip-slip to a copy": "../../victim",
    "absolute": "/tmp/sightkit-victim.png",
    "absolute, twice a slash": "//tmp/sightkit-victim.png",
    "a drive": "C:/sightkit-victim.png",
    "backslashes": "set\\..\\..\\victim",
    "the folder above": "..",
    "the folder above, as one": "../",
    "this folder": ".",
    "no name": "",
    "below a file": "set/a/0.png/x.png",
    "300 bytes": f"set/a/{'x' * 300}.png",
    "300 letters of two bytes": f"set/a/{'ü' * 300}.png",
    "100 folders deep": "set/a/" + "d/" * 100 + "x.png",
    "60 folders deep": "set/a/" + "d/" * 58 + "x.png",
    "a path of 5,000 bytes": "set/a/" + ("d" * 200 + "/") * 25 + "x.png",
    "an escape": "set/a/\x1b]0;owned\x07.png",
    "a class of an escape": "set/\x1b[2Jc/1.png",
    "a new line": "set/a/1\nTraceback: 2.png",
    "a photo by another case": "set/a/0.PNG",
    "a class by another case": "set/A/0.png",
    "turned round": "set/a/\u202egnp.png",
    "accents apart": "set/a\u0301/0.png",
    "a flag": "set/a/--output=x.png",
    "hidden": "set/a/.0.png",
    "the Finder's": "__MACOSX/set/a/._0.png",
    "twice": "set/a/0.png",
    "a folder of a photo's name": "set/a/0.png/",
    "a lock's": ".lock",
    "a partial one's": "set/a/.0a1b2c3d.partial.0.png",
}


def of_names() -> Archives:
    """A further member of a strange name, first and last."""
    return {
        f"{kind}: {label}, {place}": functools.partial(
            pack, *([(name, OTHER), *PHOTOS] if place == "first" else [*PHOTOS, (name, OTHER)])
        )
        for kind, pack in PACKS.items()
        for label, name in NAMES.items()
        for place in ("first", "last")
        if name or kind == "tar"  # zipfile writes no empty name
    }


def renamed(name: bytes) -> bytes:
    """A zip whose name is not in UTF-8, nor marked as that."""
    return zipped(*PHOTOS, ("set/a/" + "#" * len(name), OTHER)).replace(b"#" * len(name), name)


def with_modes(mode: int, content: bytes = b"../victim", system: int = 3) -> bytes:
    info = zipfile.ZipInfo("set/link")
    info.create_system, info.external_attr = system, mode << 16
    return zipped((info, content), ("set/link/x.png", OTHER), *PHOTOS)


def linked(kind: bytes, target: str) -> bytes:
    info = header("set/link", type=kind, linkname=target)
    return tar((info, b""), ("set/link/x.png", OTHER), *PHOTOS)


def of_kinds() -> Archives:
    """Links, devices and what else is no file."""
    targets = ("../victim", "/tmp", "/etc/passwd", "set/a/0.png", "link", "")
    found: Archives = {
        f"tar: {label} to {target!r}": functools.partial(linked, kind, target)
        for label, kind in (("link", tarfile.SYMTYPE), ("hard link", tarfile.LNKTYPE))
        for target in targets
    }
    kinds = {"device": b"3", "disk": b"4", "FIFO": b"6", "contiguous": b"7", "sparse": b"S"}
    kinds |= {"multi-volume": b"M", "a label": b"V", "unknown": b"Z", "a dump's folder": b"D"}
    for label, kind in kinds.items():
        found[f"tar: {label}"] = functools.partial(linked, kind, "")
    modes = {"link": 0o120777, "device": 0o020666, "disk": 0o060666, "FIFO": 0o010644}
    modes |= {"socket": 0o140755, "set-uid": 0o104777, "nothing": 0o170000}
    for label, mode in modes.items():
        found[f"zip: {label}"] = functools.partial(with_modes, mode)
        found[f"zip: {label}, packed on Windows"] = functools.partial(with_modes, mode, b"x", 0)
    for label, name in (("CP437", b"\x81\x84\x94.png"), ("a zero", b"0\0.png"), ("bytes", b"\xff")):
        found[f"zip: a name of {label}"] = functools.partial(renamed, name)
    return found


def of_others() -> Archives:
    """Archives in archives, empty ones, ones of too little, and parts of some."""
    plain, folder = tar(*PHOTOS), header("set", type=tarfile.DIRTYPE)
    found: Archives = {
        "zip in a zip": lambda: zipped(("photos.zip", zipped(*PHOTOS))),
        "zip beside photos": lambda: zipped(*PHOTOS, ("set/more.zip", zipped(*PHOTOS))),
        "zip named as a photo": lambda: zipped(*PHOTOS, ("set/a/x.png", zipped(*PHOTOS))),
        "zip in a tar.gz": lambda: gzip.compress(tar(("photos.zip", zipped(*PHOTOS)))),
        "gzip of a zip": lambda: gzip.compress(zipped(*PHOTOS)),
        "tar in a tar": lambda: tar(("photos.tar", plain)),
        "empty tar": tar,
        "empty zip": zipped,
        "folder alone, tar": lambda: tar((folder, b"")),
        "folder alone, zip": lambda: zipped(("set/", b"")),
        "gzip of nothing": lambda: gzip.compress(b""),
        "xz of nothing": lambda: lzma.compress(b""),
        "bzip2 of nothing": lambda: bz2.compress(b""),
        "text": lambda: tar(("set/notes.txt", b"x")),
        "one class": lambda: tar(*PHOTOS[:6]),
        "no class": lambda: tar(*((f"{number}.png", d) for number, (_, d) in enumerate(PHOTOS))),
        "empty photos": lambda: zipped(*((name, b"") for name, _ in PHOTOS)),
        "one empty photo": lambda: zipped(*PHOTOS, ("set/a/x.png", b"")),
        "same photo 3 times": lambda: zipped(*PHOTOS, ("set/a/x.png", PHOTOS[0][1])),
        "3,000 empty folders": lambda: gzip.compress(
            tar(*((header(f"d{n}", type=tarfile.DIRTYPE), b"") for n in range(3000)))
        ),
    }
    kinds = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz")
    whole = {kind: sound()[kind] for kind in kinds}
    for kind, data in whole.items():
        for share in (0.02, 0.3, 0.6, 0.9, 0.999):
            end = int(share * len(data.rstrip(b"\0")))
            found[f"{kind} cut at {share}"] = functools.partial(bytes, data[:end])
    return found
