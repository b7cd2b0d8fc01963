"""Decode every image of a folder once: find those that fail or are not what their name says."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit.io.image_header import read_header
from sightkit.io.image_kinds import KIND_BY_ENDING, ending_of
from sightkit.io.images import decode_image
from sightkit.io.left_out import Finding
from sightkit.io.regular_file import read_regular_file
from sightkit.io.sources.folder_scan import ENDINGS, scan_folder
from sightkit.io.threads import in_threads, progress

MAXIMUM_BYTES = 2**30
"""Larger than the file of any image of a hundred million pixels."""


def verify_folder(root: Path, workers: int | None) -> tuple[int, list[Finding]]:
    """The number of images below ``root``, and what is wrong with some of them."""
    scan = scan_folder(root)
    findings = [Finding(name, reason, kind="left out") for name, reason in scan.left_out]
    findings += [Finding(name, reason) for name, reason in scan.lost]
    names = [name for name, _ in scan.images]
    seen: dict[bytes, str] = {}
    with (
        progress(len(names), f"Checking {root.name}") as advance,
        contextlib.closing(
            in_threads(lambda name: _check(root, name), names, workers=workers)
        ) as results,
    ):
        for name, (finding, sha256, pixels) in zip(names, results, strict=True):
            advance(1)
            findings += [finding] if finding else []
            first = seen.setdefault(pixels, name) if pixels else name
            if first != name:
                apart = os.path.dirname(first) != os.path.dirname(name)
                reason = f"the same picture as {first}{', in another folder' * apart}"
                findings.append(Finding(name, reason, sha256, "warning"))
    return len(names) + len(scan.lost), findings


def _check(root: Path, name: str) -> tuple[Finding | None, str, bytes]:
    """What is wrong with a file, its SHA-256, and that of its pixels if it could be decoded."""
    try:
        data = read_regular_file(root / name, MAXIMUM_BYTES)
    except OSError as error:
        return Finding(name, f"cannot be read ({error.strerror})"), "", b""
    sha256 = hashlib.sha256(data).hexdigest()
    if not data:
        return Finding(name, "an empty file (0 bytes)", sha256), sha256, b""
    try:
        image = decode_image(data, name=name)
    except SightkitError as error:
        return Finding(name, str(error), sha256), sha256, b""
    pixels = hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()
    header = read_header(data)
    ending = ending_of(name)
    finding = None
    if header and KIND_BY_ENDING.get(ending, header.kind) != header.kind:
        reason = f"can be read, but is named {ending} and holds a {header.kind}"
        finding = Finding(name, reason, sha256, "warning")
    return finding, sha256, pixels
