"""How a bundle lies on the disk: its files, its description, and what makes both trustworthy.

Keras is imported where a network is built, so that a bundle can be checked before Keras starts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightkit import _files, _run_files, zoo
from sightkit._errors import SightkitError

if TYPE_CHECKING:
    import keras

FORMAT = "sightkit-bundle"
KIND = "classifier"
"""A whole network; ``transfer`` writes another kind."""
SCHEMA = 1
DESCRIPTION = "bundle.json"
WEIGHTS = "model.weights.h5"
CANARY = "canary.png"
TRAINING_ROWS = "training_rows.npy"
"""Keys of the images that were trained on, where they are known (``io.Manifest``)."""
TOLERANCE = 1e-3
"""Of the answer to the canary image: float32 probabilities, absolute."""
FIELDS: dict[str, type] = {
    "schema": int,
    "network": dict,
    "class_names": list,
    "preprocessing": dict,
    "training": dict,
    "files": dict,
    "canary": list,
}


def check_bundle(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Check, without Keras, that a bundle is whole.

    Returns:
        What bundle.json holds.

    Raises:
        SightkitError: no bundle, a newer version's, an unknown builder, or a file that is missing
            or not as it was written.
    """
    folder = Path(folder)
    description = read_description(folder)
    for name in (WEIGHTS, CANARY, *({TRAINING_ROWS} & set(description["files"]))):
        path = folder / name
        if not path.is_file() or _files.sha256(path) != description["files"].get(name):
            raise damaged(folder, f"{name} is missing or not the file that was saved")
    zoo.entry(description["network"].get("builder"))
    return description


def read_description(folder: Path) -> dict[str, Any]:
    """Read bundle.json, and check that it is whole and all fields are of their kind."""
    if not (folder / DESCRIPTION).is_file():
        inside = folder / _run_files.BUNDLE
        raise SightkitError(
            f"A bundle is a folder with {DESCRIPTION} in it.",
            f"This is a run's folder: give {inside}."
            if (inside / DESCRIPTION).is_file()
            else "A training script writes one to RUN/bundle.",
            bundle=str(folder),
        )
    description = _files.read_json(folder / DESCRIPTION)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise damaged(folder, f"{DESCRIPTION} is not a bundle's")
    if description.get("kind", KIND) != KIND:
        raise SightkitError(
            "This bundle is of networks with a head on their features, not one whole network.",
            "Load it with sightkit.transfer.load, which takes both kinds.",
            bundle=str(folder),
            kind=description["kind"],
        )
    schema = description.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise SightkitError(
            "The bundle was written by a newer version.", "Update sightkit.", bundle=str(folder)
        )
    if description.pop("sha256", None) != digest(description):
        raise damaged(folder, f"{DESCRIPTION} is not as it was written")
    for name, kind in FIELDS.items():
        if not isinstance(description.get(name), kind):
            raise damaged(folder, f"{name} in {DESCRIPTION} must be a {kind.__name__}")
    return description


def digest(description: Mapping[str, Any]) -> str:
    """SHA-256 of a description without its own hash: finds what rotted or was edited by hand."""
    text = json.dumps(description, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def build_float32(origin: Mapping[str, Any]) -> keras.Model:
    """Build a network in float32, whatever precision is set for training."""
    if set(origin) != {"builder", "arguments"} or not isinstance(origin["arguments"], Mapping):
        raise SightkitError(
            "A network is named by its builder and arguments.", found=sorted(origin)
        )
    return zoo.build(origin["builder"], precision="float32", **origin["arguments"])


def damaged(folder: Path, reason: str) -> SightkitError:
    """The error for a bundle that is not as it was written."""
    return SightkitError(
        f"The bundle is damaged: {reason}.", "Fetch or train it again.", bundle=str(folder)
    )
