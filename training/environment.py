"""The environment of a run, for environment.json: versions, device, threads, commit."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NotRequired

from annotated_types import MaxLen
from typing_extensions import TypedDict

from sightkit import _files, _run_files, _schema
from sightkit._errors import SightkitError
from sightkit._schema import Count, Name, Sha256
from sightkit._scripts import warn
from sightkit.inference.processor import GPUS, cpu_flags, cpu_info

PACKAGES = ("sightkit", "keras", "tensorflow", "jax", "numpy", "opencv-python", "h5py")
THREADS = "TF_NUM_INTRAOP_THREADS"
FLAGS = ("amx_bf16", "amx_tile", "avx2", "avx512f", "avx512_bf16", "bf16", "svebf16")
BACKEND_MODULES = ("tensorflow", "jax")


def describe_environment() -> dict[str, Any]:
    """Return versions, device, threads and commit, as JSON.

    Keras is not started for it: an evaluation by another engine takes no seconds more.
    """
    keras = sys.modules.get("keras")
    backend = keras.backend.backend() if keras else os.environ.get("KERAS_BACKEND", "tensorflow")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "backend": backend,
        "versions": package_versions(),
        "device": _device(),
        "processor_flags": processor_flags(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": os.environ.get(THREADS),
        "commit": commit_of(Path(__file__).resolve()),
    }


class _Data(TypedDict):
    file: str | None
    sha256: str | None


class _Script(TypedDict):
    file: str
    sha256: Sha256


class Environment(TypedDict):
    """What the environment.json of a run holds beside further facts."""

    python: str
    system: str
    backend: Name
    versions: dict[str, str | None]
    device: str
    processor_flags: list[str]
    cores: Count
    threads: Annotated[str, MaxLen(9)] | None
    commit: str | None
    script: NotRequired[_Script | None]
    command: str
    folder: str
    data: NotRequired[_Data]
    resumed: NotRequired[list[dict[str, Any]]]
    training_seconds: NotRequired[float]
    training_cpu_seconds: NotRequired[float]


def read_environment(folder: Path) -> dict[str, Any]:
    """Return the environment.json of a run; empty where it has none yet."""
    path = folder / _run_files.ENVIRONMENT
    if not path.is_file():
        return {}
    return dict(_schema.read(path, Environment, "Begin anew with --overwrite.", more=True))


def adopt_threads(recorded: Mapping[str, Any]) -> None:
    """Set the number of threads that a run was begun with; sums are split by it.

    A backend that is imported already keeps its own: ``require_same_environment`` refuses that.
    """
    threads = recorded.get("threads")
    if threads and not any(name in sys.modules for name in BACKEND_MODULES):
        os.environ[THREADS] = threads


def require_same_environment(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the environment of a run with that in which it is resumed.

    Returns:
        Differences, name to [then, now]; warned of on stderr, as the last bits may differ too.

    Raises:
        SightkitError: other data, another backend or number of threads.
    """
    then_data, now_data = (side.get("data", {}).get("sha256") for side in (recorded, now))
    if "data" in now and then_data != now_data:
        raise SightkitError(
            "A run is resumed with its own data.",
            "Name that dataset file, wherever it is now, with --data, or begin anew with "
            "--overwrite.",
            then=then_data,
            now=now_data,
            **{"was in": recorded.get("data", {}).get("file")},
            file=now.get("data", {}).get("file"),
        )
    for name, variable in (("backend", "KERAS_BACKEND"), ("threads", THREADS)):
        if recorded.get(name) != now.get(name):
            value = recorded.get(name)
            setting = f"Set {variable}={value}" if value else f"Unset {variable}"
            raise SightkitError(
                f"A run is resumed with its own {name}: another gives other weights.",
                f"{setting} before Python starts.",
                then=recorded.get(name),
                now=now.get(name),
            )
    differences = {
        name: [recorded.get(name), now.get(name)]
        for name in ("python", "versions", "device", "system")
        if recorded.get(name) != now.get(name)
    }
    for name, (then, here) in differences.items():
        warn(
            f"The run was begun with {name} {then}, and goes on with {here}: "
            "its weights may differ in the last bits."
        )
    return differences | _warn_of_edits(recorded, now)


def _warn_of_edits(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the code differs, as ``require_same_environment`` does, after a warning."""
    then, here = ((side.get("script") or {}).get("sha256") for side in (recorded, now))
    differences = {}
    if then and here and then != here:
        differences["script"] = [recorded["script"], now["script"]]
        warn(
            f"The script {now['script']['file']} was edited since the run was begun (SHA-256 "
            f"{then[:12]}, now {here[:12]}; commit {recorded.get('commit')}, now "
            f"{now.get('commit')}): the run goes on with the script as it is now, and its weights "
            "will be neither's."
        )
    return differences


def accelerators() -> list[str]:
    """Return the GPUs and TPUs that Keras can use, by its names; JAX raises where there is none."""
    import keras

    found: list[str] = []
    for kind in ("gpu", "tpu"):
        with contextlib.suppress(RuntimeError):
            found += keras.distribution.list_devices(kind)
    return found


def available_memory() -> int:
    """Return the bytes that are available to this process: of the system, or of its container."""
    free = 2**40
    with contextlib.suppress(OSError, KeyError, ValueError):
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = {line.split(":")[0]: line.split()[1] for line in file}
        free = int(lines["MemAvailable"]) * 1024
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit
            most, now = (Path("/sys/fs/cgroup", name).read_text() for name in (limit, used))
            free = min(free, int(most) - int(now))
    return max(free, 0)


def script_of(config: Any) -> dict[str, str] | None:
    """Return the file that a configuration is defined in, and its hash; None in a session."""
    file = getattr(sys.modules.get(type(config).__module__), "__file__", None)
    if file is None or not os.path.isfile(file):
        return None
    return {"file": os.path.basename(file), "sha256": _files.sha256(file)}


def package_versions() -> dict[str, str | None]:
    """Return the versions of the packages that a training hangs on; None for one that is absent."""
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor_flags() -> list[str]:
    """Return the processor's flags for bfloat16 and wide vectors; empty where they are unknown."""
    return sorted(set(FLAGS) & set(cpu_flags()))


def _device() -> str:
    """Return the accelerators that Keras uses, else the processor, by their makers' names."""
    found = accelerators() if "keras" in sys.modules else []
    if not found:
        return cpu_info("model name") or "unknown"
    texts = [file.read_text() for file in sorted(GPUS.glob("*/information"))]
    models = re.findall(r"^Model:\s*(.+?)\s*$", "\n".join(texts), re.MULTILINE)
    return f"{len(found)} × {models[0] if models else found[0].partition(':')[0]}"


def commit_of(file: Path) -> str | None:
    """Return the commit of the checkout that a Python file is in; None where it is in none.

    It ends in ``-dirty`` where Python files differ from the commit.
    """
    git, options = ["git", "-C", str(file.parent)], {"capture_output": True, "timeout": 10}
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", file.name], **options, check=True)
        found = subprocess.run([*git, "rev-parse", "HEAD"], **options, check=True)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ":/*.py"], **options)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.decode().strip() + "-dirty" * (changed.returncode != 0)
