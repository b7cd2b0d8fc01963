"""Somebody's own Keras network as a bundle: its class names, its preprocessing, a canary."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, training
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.preprocessing import Pipeline
from sightkit.training.canary import choose_canary
from sightkit.transfer.feature_network import example_image
from sightkit.transfer.pixel_ranges import (
    Pixels,
    Trial,
    chains_for,
    explain,
    scales_itself,
    try_pixels,
)


def read_class_names(given: str) -> tuple[str, ...]:
    """Return class names in label order.

    Args:
        given: a folder of class folders, whose names are sorted as Keras sorts them; a file with a
            name a line, or JSON: a list, ``{"cat": 0, …}`` or ``{"0": "cat", …}``; or names with
            commas between them.

    Raises:
        SightkitError: fewer than two names, or a file that is none of these.
    """
    path = Path(given)
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.is_dir())
        names = [name for name in names if not name.startswith(".")]
    elif path.suffix == ".json" or path.is_file():
        names = _of_file(path)
    else:
        names = [name.strip() for name in given.split(",")]
    names = [name for name in names if name]
    if len(names) < 2:
        raise SightkitError(
            "A network needs the names of two classes at least, in the order of its outputs.",
            "Give --class-names cat,dog, a file with a name a line, or a folder of class folders.",
            class_names=given,
        )
    return tuple(names)


def _of_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix != ".json":
            return [line.strip() for line in text.splitlines()]
        found = json.loads(text)
        if isinstance(found, dict):
            if all(str(key).isdigit() for key in found):
                found = {name: int(key) for key, name in found.items()}
            if sorted(found.values()) != list(range(len(found))):
                raise ValueError("the labels are not 0, 1, 2, …")
            found = sorted(found, key=found.__getitem__)
        return [str(name) for name in found]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise SightkitError(
            f"The file of class names must hold a name a line, or JSON ({error}).",
            'For example ["cat", "dog"] or {"cat": 0, "dog": 1}.',
            class_names=str(path),
        ) from error


def import_network(
    file: str | os.PathLike[str],
    output: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    pixels: Pixels | None = None,
    size: Sequence[int] = (),
    crop: bool = False,
    data: str | os.PathLike[str] | None = None,
    **options: Any,
) -> list[Trial]:
    """Write the bundle of a network that Keras saved, and print what was found.

    Args:
        file: see ``training.read_network``.
        output: folder of the bundle.
        class_names: in the order of its outputs.
        pixels: what they are scaled to. By default 0-255 where the network scales them itself, or
            the range that suits the labelled photos best.
        size, crop: see ``chains_for``.
        data: labelled photos, which it should not have been trained on: for the check, and for
            the canary, see ``choose_canary``.
        **options: of their folder: ``exclude``, ``follow_links``, see ``io.FolderDataset``.

    Returns:
        The range that was chosen, then the others; empty without data.

    Raises:
        SightkitError: a network that cannot be stored, other classes, or pixels whose range
            is unknown, or none of whose ranges is better than chance.
    """
    from sightkit.training.bundle_writer import adopted  # with Keras

    network = training.read_network(file)
    chains: dict[Pixels, Pipeline] = chains_for(network, pixels, size=size, crop=crop)
    first = next(iter(chains.values()))
    if "0-255" in chains and scales_itself(network):
        first = chains["0-255"]
    copied = adopted(network, first, example_image(), len(class_names))
    scaled = scales_itself(copied)
    if pixels is None and scaled:
        chains = {"0-255": chains["0-255"]}
        print("The network scales pixels itself: it gets them as they are, 0 to 255.")
    elif scaled and pixels != "0-255":
        warn(
            "The network scales pixels of 0 to 255 itself: --pixels "
            f"{pixels} scales them twice. Leave it out, unless training did so too."
        )
    if len(chains) > 1 and data is None:
        raise SightkitError(
            "How pixels were scaled in training is not in the file.",
            f"Give --pixels {', '.join(chains)}; or --data, labelled photos, to try all.",
            network=str(file),
        )
    chosen, trials, images = next(iter(chains)), list[Trial](), list[np.ndarray]()
    if data is not None:
        trials, images = try_pixels(copied, chains, data, class_names, **options)
        explain(trials, class_names)
        chosen = trials[0].pixels
    candidates = [images[row] for row in trials[0].hard] if trials else []
    canary = choose_canary(
        candidates or [example_image()],
        chains[chosen],
        lambda inputs: copied.predict_on_batch(np.stack(inputs)),
    )
    training.save_bundle(
        output,
        copied,
        preprocessing=chains[chosen],
        class_names=class_names,
        canary=canary.image,
        training={"imported": Path(file).name, "sha256": _files.sha256(file), "pixels": chosen},
        metrics={"imported": {"rank1": trials[0].rank1, "count": len(images)}} if trials else {},
    )
    return trials
