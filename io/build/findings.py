"""What is worth a look in a dataset that is built: conflicting labels and near copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightkit.io.build.partition import conflicting_labels
from sightkit.io.build.prepare import Prepared
from sightkit.io.left_out import Finding
from sightkit.io.sources.image_source import ImageSource


def found(images: ImageSource, reasons: Mapping[int, str], kind: str) -> list[Finding]:
    """List images with a reason each."""
    rows = sorted(reasons.items())
    return [Finding(images.identify(row), reason, kind=kind) for row, reason in rows]


def conflicting(images: ImageSource, keys: list[bytes], readable: np.ndarray) -> list[Finding]:
    """List images that are equal to one of another class."""
    reasons = {
        row: f"of class {images.class_names[images.labels[row]]}, and the same picture as "
        f"{images.identify(other)} of class {images.class_names[images.labels[other]]}"
        for row, other in conflicting_labels(images, keys, readable).items()
    }
    return found(images, reasons, "warning")


def near_copies(
    images: ImageSource, prepared: Prepared, parts: dict[str, np.ndarray], keys: list[bytes]
) -> tuple[list[Finding], dict[str, Any]]:
    """List images that are nearly the same as one before them; and what to say of them."""
    split = {int(row): name for name, rows in parts.items() for row in rows}
    different: dict[bytes, int] = {}
    for row in split:
        different.setdefault(keys[row], row)
    copies, apart, text = prepared.thumbnails.copies(list(different.values()), split, "split")
    reasons = {
        row: f"in {split[row]}, and nearly the same picture as {images.identify(other)} in "
        f"{split[other]}"
        for row, other in copies.items()
    }
    return found(images, reasons, "warning"), {"in_two_splits": apart, "text": text}
