"""Every image of a folder, decoded once: what cannot be, and what is not what its name says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit.io.images import decode_image
from sightkit.io.left_out import Finding
from sightkit.io.sources.folder_scan import scan_folder
from sightkit.io.threads import in_threads, progress

MAXIMUM_BYTES = 2**30
"""No image of a hundred million pixels is a larger file."""

ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "WebP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "PNM": (".ppm", ".pgm", ".pbm", ".pnm"),
}


@dataclass(frozen=True)
class _Checked:
    """What one file was found to be; ``pixels`` is empty where it could not be decoded."""

    finding: Finding | None
    sha256: str
    pixels: bytes


def verify_folder(root: Path, workers: int | None) -> tuple[int, list[Finding]]:
    """The number of images below ``root``, and what is wrong with some of them."""
    scan = scan_folder(root)
    findings = [Finding(name, reason, kind="left out") for name, reason in scan.left_out]
    names = [name for name, _ in scan.images]
    seen: dict[bytes, str] = {}
    with (
        progress(len(names), f"Checking {root.name}") as advance,
        contextlib.closing(
            in_threads(lambda name: _check(root, name), names, workers=workers)
        ) as results,
    ):
        for name, checked in zip(names, results, strict=True):
            advance(1)
            if checked.finding is not None:
                findings.append(checked.finding)
            if not checked.pixels:
                continue
            first = seen.setdefault(checked.pixels, name)
            if first != name:
                apart = os.path.dirname(first) != os.path.dirname(name)
                reason = f"the same picture as {first}{', in another folder' * apart}"
                findings.append(Finding(name, reason, checked.sha256, "warning"))
    return len(names), findings


def _check(root: Path, name: str) -> _Checked:
    try:
        data = _bytes(root / name)
    except OSError as error:
        return _Checked(Finding(name, f"cannot be read ({error.strerror})"), "", b"")
    except SightkitError as error:
        return _Checked(Finding(name, str(error)), "", b"")
    sha256 = hashlib.sha256(data).hexdigest()
    if not data:
        return _Checked(Finding(name, "an empty file (0 bytes)", sha256), sha256, b"")
    try:
        image = decode_image(data, name=name)
    except SightkitError as error:
        return _Checked(Finding(name, str(error), sha256), sha256, b"")
    pixels = hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()
    kind = _format(data)
    ending = os.path.splitext(name)[1].lower()
    finding = None
    if kind and ending not in ENDINGS[kind]:
        reason = f"can be read, but is named {ending} and holds a {kind}"
        finding = Finding(name, reason, sha256, "warning")
    return _Checked(finding, sha256, pixels)


def _bytes(path: Path) -> bytes:
    """Content of a regular file; what became a FIFO or a link meanwhile does not hold us up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAXIMUM_BYTES:
            raise SightkitError(
                f"An image must be a regular file of {MAXIMUM_BYTES:,} bytes at most.",
                bytes=status.st_size,
            )
        return file.read()


def _format(data: bytes) -> str:
    """The format that a file's first bytes name; empty where they name none that is known."""
    for kind, starts in (
        ("JPEG", (b"\xff\xd8\xff",)),
        ("PNG", (b"\x89PNG\r\n\x1a\n",)),
        ("GIF", (b"GIF87a", b"GIF89a")),
        ("BMP", (b"BM",)),
        ("TIFF", (b"II*\0", b"MM\0*")),
        ("PNM", tuple(b"P%d" % number for number in range(1, 7))),
    ):
        if data.startswith(starts):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return "AVIF" if data[4:12] in (b"ftypavif", b"ftypavis") else ""
