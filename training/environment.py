"""What a run runs on, for environment.json."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("sightkit", "keras", "tensorflow", "jax", "numpy", "opencv-python", "h5py")


def describe_environment() -> dict[str, Any]:
    """Versions, device, threads and commit, as JSON."""
    import keras

    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "backend": keras.backend.backend(),
        "versions": {name: _version(name) for name in PACKAGES},
        "device": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS"),
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def _commit() -> str | None:
    """The commit of the checkout that the code runs from; None where it is installed.

    ``-dirty`` at its end says that files differed from the commit.
    """
    folder = Path(__file__).resolve().parent
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None
