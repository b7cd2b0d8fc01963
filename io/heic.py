"""HEIC and HEIF by pillow-heif, an extra; libheif turns and mirrors by itself."""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def open_heic(data: bytes) -> Any:
    """Open a file without decoding its pixels; None where it is damaged or nothing can open it."""
    try:
        import pillow_heif
    except ImportError:
        return None
    try:
        return pillow_heif.open_heif(io.BytesIO(data), bgr_mode=True)
    except (ValueError, EOFError, RuntimeError, OSError, MemoryError, SyntaxError):
        return None


def decode_heic(data: bytes) -> np.ndarray | None:
    """Decode the main picture: uint8 (H, W), or (H, W, 3 or 4) in BGR order; None if damaged."""
    picture = open_heic(data)
    try:
        return None if picture is None else np.asarray(picture)
    except (ValueError, EOFError, RuntimeError, OSError, MemoryError):
        return None
