"""The files of a bundle's repository: those of its kind, and its weights as safetensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._hdf5 import numbers, open_hdf5
from sightkit.training.bundle_format import (
    AGAIN,
    CLASSIFIERS,
    DESCRIPTION,
    NETWORK_WEIGHTS,
    WEIGHTS,
    kind_of,
)
from sightkit.training.classifier import load_by_kind


def files_of(description: Mapping[str, Any]) -> list[str]:
    """Return the names of a bundle's files, bundle.json first.

    Raises:
        SightkitError: its description lists other files than a bundle of its kind has.
    """
    wanted = kind_of(description["kind"]).files(description)
    if other := sorted({*wanted} ^ {*description["files"]}):
        raise SightkitError(
            f"A bundle of its kind lists {', '.join(sorted(wanted))} and no other file.",
            AGAIN,
            kind=description["kind"],
            file=other[0],
        )
    return [DESCRIPTION, *wanted]


def load_any(folder: Path, description: Mapping[str, Any]) -> Any:
    """Load a bundle of any kind, answered by Keras, and check its canary."""
    kind = description["kind"]
    options = {"images": None, "cache": None} if kind in CLASSIFIERS else {}
    return load_by_kind(folder, (kind,), **options)


def write_safetensors(folder: Path, bundle: Any) -> None:
    """Write each network's weights once more, ``model.safetensors``, for other tools.

    A tensor is named by its variable's path in Keras, ``conv1/kernel``. The file is read back, and
    each tensor compared with the one in the ``.weights.h5``. A bundle without networks has none.

    Args:
        folder: with the files of the bundle.
        bundle: loaded from it.

    Raises:
        SightkitError: a tensor differs in a bit.
    """
    if hasattr(bundle, "networks"):  # of a head
        for index, network in enumerate(bundle.networks):
            _write(folder / NETWORK_WEIGHTS.format(index), network.model)
    elif (folder / WEIGHTS).exists():
        _write(folder / WEIGHTS, bundle.network)


def _write(weights: Path, network: Any) -> None:
    from safetensors.numpy import load_file, save

    from sightkit.zoo.weights import variables_by_place

    found = {place: each for place, (_, each) in variables_by_place(network).items()}
    paths = Counter(each.path for each in found.values())
    names = {place: v.path if paths[v.path] == 1 else place for place, v in found.items()}
    arrays = {names[p]: np.array(each.numpy(), order="C") for p, each in found.items()}
    file = weights.with_name(weights.name.replace(".weights.h5", ".safetensors"))
    _files.write_bytes(file, save(arrays, metadata={"format": "keras"}))
    written = load_file(file)
    with open_hdf5(weights) as stored:
        for place, name in names.items():
            one, other = written[name], numbers(stored["/vars/".join(place.rsplit("/", 1))])
            alike = one.shape == other.shape and one.dtype == other.dtype
            if not alike or one.tobytes() != other.tobytes():
                raise SightkitError(
                    f"{file.name} must hold the bits of {weights.name}, and {name} differs.",
                    "This is a bug: report it. Nothing was pushed.",
                )
