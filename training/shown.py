"""A bundle as a notebook shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _files
from sightkit._display import data_uri, line, picture
from sightkit._errors import few
from sightkit._tables import html_table, percent
from sightkit.io.images import encode_png, read_image
from sightkit.preprocessing import Pipeline, Preprocessor, SimplePreprocessor
from sightkit.training.bundle_format import CANARY

if TYPE_CHECKING:
    from sightkit.training.classifier import Classifier

SIDE = 160
"""Pixels of the canary's longer side, at most."""
LONGEST = 120
"""Characters of a preprocessing step; a mean image has thousands."""
MEASURES = ("rank1", "rank5", "loss", "count")
MOST = 12
"""Measures that are shown."""


def parts_of(classifier: Classifier) -> Iterator[str]:
    """Yield what a bundle is, its canary image and the measures that are stored in it."""
    names, description = classifier.class_names, classifier.description
    facts = {**classifier.facts(), "classes": f"{len(names):,}: {few(names, 10)}"}
    kind = type(classifier).__name__
    yield html_table([{kind: name, "": value} for name, value in facts.items()], words=2)
    if image := _canary(classifier):
        answer = np.asarray([description["canary"]], np.float32)
        best = classifier.top(answer, 3)[0].items()
        words = ", ".join(f"{name} {percent(share)}" for name, share in best)
        yield f"<div>{image}{line(f'Canary image. Answer: {words}')}</div>"
    if rows := _measures(description.get("metrics", {})):
        yield line("")
        yield html_table(rows)


def steps(chain: Preprocessor) -> str:
    """Describe a chain of preprocessing in a line."""
    if isinstance(chain, Pipeline):
        return " → ".join(filter(None, map(steps, chain.steps)))
    text = repr(chain)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _canary(classifier: Classifier) -> str:
    """Return the picture, if it still is the file that the bundle was loaded with."""
    if classifier.folder is None:
        return ""
    path = classifier.folder / CANARY
    if not path.is_file() or _files.sha256(path) != classifier.description["files"][CANARY]:
        return ""
    image = read_image(path)
    longest = max(image.shape[:2])
    if longest > SIDE:
        height, width = (max(1, round(SIDE * side / longest)) for side in image.shape[:2])
        image = SimplePreprocessor(width, height)(image)
    width = round(SIDE * image.shape[1] / max(image.shape[:2]))
    return picture(data_uri(encode_png(image)), "Canary image", width=width, pixelated=True)


def _measures(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a split, or a row a measure where there are no splits."""
    splits = [
        {"split": name, **{key: each.get(key) for key in MEASURES}}
        for name, each in metrics.items()
        if isinstance(each, Mapping) and isinstance(each.get("rank1"), int | float)
    ]
    alone = [
        {"measure": name, "value": value}
        for name, value in metrics.items()
        if isinstance(value, int | float)
    ]
    return (splits or alone)[:MOST]
