"""Names of networks that give features. No Keras here: a wrong name is reported at once."""

from __future__ import annotations

import os
from pathlib import Path

from sightkit import training, zoo
from sightkit._errors import SightkitError
from sightkit.transfer.sources import SOURCES, source_of
from sightkit.transfer.views import check_crops


def check_network(
    name: str | os.PathLike[str], *, pool: str = "avg", crops: int = 1, random: bool = False
) -> None:
    """Raise unless ``open_network`` may know the name, the pooling and the number of crops.

    Raises:
        SightkitError: an unknown name (the nearest ones are listed), or a damaged bundle.
    """
    check_crops(crops)
    if pool not in ("avg", "flatten"):
        raise SightkitError('pool must be "avg" or "flatten".', pool=pool)
    if random:
        zoo.entry(os.fspath(name))
    elif is_bundle(name):
        training.check_bundle(name, (training.NETWORK,))
    else:
        source_of(os.fspath(name))


def is_bundle(name: str | os.PathLike[str]) -> bool:
    """Return True if a network is named by the folder of its bundle."""
    text = os.fspath(name)
    return text not in SOURCES and (Path(text).is_dir() or os.sep in text)
