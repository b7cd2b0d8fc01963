"""Kinds of image files, recognized by their first bytes, never by their names."""

from __future__ import annotations

import importlib.util
import os
import re

HEAD_BYTES = 512
"""What ``kind_of`` needs of a file; a DICOM shows itself after 128 bytes."""

_BRANDS = rb"....ftyp(?:%b|.{8}(?:....){0,60}?%b)"
_SIGNATURES = {
    "JPEG": rb"\xff\xd8",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "BMP": rb"BM.{12}.\0\0\0",
    "WebP": rb"RIFF....WEBP",
    "camera raw": rb"(?:II\*\0|MM\0\*).{4}CR|....ftypcrx|FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0",
    "TIFF": rb"II\*\0|MM\0\*",
    "AVIF": _BRANDS % (b"avi[fs]", b"avi[fs]"),
    "HEIC": rb"....ftyp(?:he[iv][cmsx]|m[is]f1)",
    "JPEG 2000": rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ",
    "PNM": rb"P[1-6](?:\s|#[^\n]*\n)+\d",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "JPEG XR": rb"II\xbc",
    "BigTIFF": rb"II\+\0|MM\0\+",
    "Photoshop": rb"8BPS\0",
    "PAM": rb"P7\n",
    "PFM": rb"P[fF]\n",
    "OpenEXR": rb"v/1\x01",
    "Radiance HDR": rb"#\?RADIANCE|#\?RGBE",
    "DICOM": rb".{128}DICM",
}
_KIND = re.compile(
    b"|".join(b"(?P<_%d>%b)" % item for item in enumerate(_SIGNATURES.values())), re.DOTALL
)
_KINDS = tuple(_SIGNATURES)

ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG 2000": (".jp2", ".j2k", ".jpf", ".jpx"),
    "PNM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "HEIC": (".heic", ".heif"),
}
"""Usual endings, by the kinds that can be decoded; for HEIC pillow-heif must be installed."""
KIND_BY_ENDING = {ending: kind for kind, endings in ENDINGS.items() for ending in endings}

NEEDS_HEIF = "HEIC, which needs pillow-heif (pip install pillow-heif)"


def kind_of(head: bytes) -> str | None:
    """Return the kind of image that a file begins as, such as ``"JPEG"``; None for no image.

    Args:
        head: its first ``HEAD_BYTES`` bytes, or more.
    """
    match = _KIND.match(head)
    return _KINDS[int(match.lastgroup[1:])] if match and match.lastgroup else None


def reason_not_to_decode(kind: str) -> str:
    """Return why files of a kind cannot be decoded here; empty where they can."""
    if kind == "HEIC" and importlib.util.find_spec("pillow_heif") is None:
        return NEEDS_HEIF
    return "" if kind in ENDINGS else f"{kind}, which cannot be decoded here"


def ending_of(name: str) -> str:
    """Return the ending of a file name, lower case, with its dot; a number is none (``cat.0``)."""
    ending = os.path.splitext(name)[1]
    return "" if ending[1:].isdigit() else ending.lower()
