"""Compiled networks as files, each under the hash of all that it depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import keras

from sightkit import _files
from sightkit._errors import SightkitError

SCHEMA = 2
ENDING = ".openvino"
MOST_BYTES = 2**30
"""What a folder may hold; MobileNetV2-0.35 takes 7 MB, ResNet50 102. What was used longest ago goes
first, and a folder may always be deleted."""


class CompiledCache:
    """The place of one compiled network in a folder.

    A file holds a line of JSON (all that the network depends on, and the hash of what follows) and
    then OpenVINO's own form. What does not match its line is not used, but written anew.

    Args:
        folder: made when it is written to.
        network: its layers and weights are part of the name.
        **depends_on: what else is: version, precision, ….
    """

    def __init__(
        self, folder: str | os.PathLike[str], network: keras.Model, **depends_on: Any
    ) -> None:
        self.depends_on = {
            "schema": SCHEMA,
            "network": hashlib.sha256(network.to_json().encode()).hexdigest(),
            "weights": weights_sha256(network),
            "cpu": hashlib.sha256(" ".join(cpu_flags()).encode()).hexdigest(),
            **depends_on,
        }
        key = hashlib.sha256(json.dumps(self.depends_on, sort_keys=True).encode()).hexdigest()
        self.path = Path(folder) / f"{key[:32]}{ENDING}"

    def read(self) -> bytes | None:
        """The compiled form, or ``None`` where there is none or another network's."""
        try:
            line, _, content = self.path.read_bytes().partition(b"\n")
            found = json.loads(line)
        except (OSError, ValueError):
            return None
        expected = {**self.depends_on, "sha256": hashlib.sha256(content).hexdigest()}
        if found != expected:
            return None
        with contextlib.suppress(OSError):  # somebody else's file
            os.utime(self.path)
        return content

    def write(self, content: bytes) -> None:
        """Keep a compiled form; a folder that cannot be written to is told on stderr."""
        line = {**self.depends_on, "sha256": hashlib.sha256(content).hexdigest()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _files.write_bytes(self.path, json.dumps(line).encode() + b"\n" + content)
            self._make_room()
        except (OSError, SightkitError) as error:
            print(f"The compiled network is kept in memory alone: {error}", file=sys.stderr)

    def _make_room(self) -> None:
        """Remove what was used longest ago, until the folder holds no more than it may."""
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


def weights_sha256(network: keras.Model) -> str:
    """SHA-256 over shapes and bytes of a network's weights, in order."""
    digest = hashlib.sha256()
    for variable in network.weights:
        array = keras.ops.convert_to_numpy(variable)
        digest.update(f"{array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def cpu_flags() -> list[str]:
    """What this CPU can do, sorted, as Linux tells it; elsewhere the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return [platform.processor()]
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return sorted(flags.partition(":")[2].split())
