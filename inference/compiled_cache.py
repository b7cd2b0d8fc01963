"""Converted networks as files, each under the hash of all that it depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _files
from sightkit._arrays import sha256_of
from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit._scripts import warn
from sightkit.inference.processor import cpu_flags

if TYPE_CHECKING:
    import keras

SCHEMA = 4
ENDING = ".openvino"
MOST_BYTES = 2**30
"""Bytes that a folder may hold; MobileNetV2-0.35 takes 7 MB, ResNet50 102. The files used longest
ago go first, and a folder may always be deleted."""


class CompiledCache:
    """The place of one converted network in a folder.

    A file holds a line of JSON (all that the network depends on, facts about it, and the hash of
    facts and form) and then the network's form. What does not match its line is not used, but
    written anew.

    Args:
        folder: made when it is written to.
        network: JSON that identifies the network and its weights, see ``identify``.
        **depends_on: what else the form depends on: version, precision, ….

    Attributes:
        facts: JSON that is written with the form, and that was read with it.
    """

    def __init__(
        self, folder: str | os.PathLike[str], network: Mapping[str, Any], **depends_on: Any
    ) -> None:
        self.depends_on = {
            "schema": SCHEMA,
            "network": dict(network),
            "cpu": hashlib.sha256(" ".join(cpu_flags()).encode()).hexdigest(),
            **depends_on,
        }
        key = hashlib.sha256(json.dumps(self.depends_on, sort_keys=True).encode()).hexdigest()
        self.facts: dict[str, Any] = {}
        self.path = Path(folder) / f"{key[:32]}{ENDING}"

    def read(self) -> bytes | None:
        """Return the form, or ``None`` where there is none or another network's."""
        try:
            line, _, content = read_regular_file(self.path, MOST_BYTES).partition(b"\n")
        except (FileNotFoundError, NotADirectoryError):  # write warns of the second
            return None
        except OSError as error:
            warn(f"The compiled network cannot be read and is made anew: {error}")
            return None
        try:
            facts = json.loads(line)["facts"]
        except (ValueError, TypeError, KeyError, RecursionError):
            facts = None
        if not isinstance(facts, dict) or line != self._line(facts, content):
            warn(f"The compiled network {self.path} is damaged and is made anew.", once=True)
            return None
        self.facts = facts
        with contextlib.suppress(OSError):  # somebody else's file
            os.utime(self.path)
        return content

    def write(self, content: bytes) -> None:
        """Save a form; warn of a folder that cannot be written to."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _files.write_bytes(self.path, self._line(self.facts, content) + b"\n" + content)
            self._make_room()
        except (OSError, SightkitError) as error:
            warn(f"The converted network is in memory alone, and not saved: {error}")

    def _line(self, facts: Mapping[str, Any], content: bytes) -> bytes:
        text = json.dumps({**self.depends_on, "facts": facts}, sort_keys=True)
        digest = hashlib.sha256(text.encode())
        digest.update(content)
        line = {**self.depends_on, "facts": facts, "sha256": digest.hexdigest()}
        return json.dumps(line, sort_keys=True).encode()

    def _make_room(self) -> None:
        """Remove the files used longest ago, until the folder holds no more than it may."""
        found = sorted(
            (file.stat().st_mtime_ns, file.stat().st_size, file)
            for file in self.path.parent.glob(f"*{ENDING}")
            if file != self.path
        )
        held = self.path.stat().st_size + sum(size for _, size, _ in found)
        for _, size, file in found:
            if held <= MOST_BYTES:
                break
            file.unlink(missing_ok=True)
            held -= size


def identify(network: keras.Model) -> dict[str, str]:
    """Return hashes of a network's layers and of its weights, which identify it."""
    layers = hashlib.sha256(network.to_json().encode()).hexdigest()
    weights = sha256_of(("", np.asarray(variable)) for variable in network.weights)
    return {"layers": layers, "weights": weights}
