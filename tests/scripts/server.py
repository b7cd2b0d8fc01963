"""A parent that has imported what scripts take seconds to import, and forks a child a script.

Reads a line of JSON a script, ``{"argv": […], "cwd": …, "env": {…}, "folder": …, "limits": {…}}``
(see ``script`` in ``tests/conftest.py``), and answers with the child's exit status. The child's
streams, and which heavy packages the script itself imported, are files of the folder: ``stdout``,
``stderr``, ``heavy``.

With such a line as its argument it is no parent, but runs the script itself. Forking is safe as
long as the parent has run no operation of TensorFlow.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import resource
import runpy
import signal
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

HEAVY = ("keras", "tensorflow", "sklearn", "jax", "torch")
LIGHT = ("cv2", "h5py", "matplotlib.figure", "rich.progress", "tyro", "typeguard", "unittest.mock")
"""What nearly every script imports: half a second, spent once."""
KERAS = {"keras", "tensorflow", "jax"}
"""Keras brings the others: one of them is all of them, as in a new process."""


class Hidden(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules that were imported, but not by the script: it finds them when it imports them."""

    def __init__(self) -> None:
        names = [name for name in sys.modules if name.split(".")[0] in HEAVY]
        self.modules = {name: sys.modules.pop(name) for name in names}

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.modules:
            return None
        tops = KERAS if name in KERAS else {name}
        found = {o: module for o, module in self.modules.items() if o.split(".")[0] in tops}
        sys.modules.update({other: module for other, module in found.items() if other != name})
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return self.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """It was executed in the parent."""


def run(script: str) -> int:
    """Run a script as ``python SCRIPT`` does, and return its exit code."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def give_up_rights() -> None:
    """Let permissions count for root too: without its capabilities it is an owner like others."""
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def child(job: dict[str, Any]) -> int:
    folder = Path(job["folder"])
    limits = job["limits"]
    for number, name in ((1, "stdout"), (2, "stderr")):
        path = limits.get(name, folder / name)
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    sys.argv = job["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    sys.meta_path.insert(0, Hidden())
    if not limits.get("root", True):
        give_up_rights()
    if size := limits.get("file_bytes"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if seconds := limits.get("seconds"):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # nobody handles it: it kills
    code = run(sys.argv[0])
    heavy = [name for name in HEAVY if name in sys.modules]
    with contextlib.suppress(OSError):
        (folder / "heavy").write_text(",".join(heavy))
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def serve() -> None:
    from sightkit import _cli

    _cli.prepare_environment()
    with open(os.devnull, "w") as nothing:
        error = os.dup(2)
        os.dup2(nothing.fileno(), 2)
        import keras  # noqa: F401  (brings TensorFlow)
        import sklearn.linear_model  # noqa: F401

        for name in LIGHT:
            importlib.import_module(name)
        os.dup2(error, 2)
    for name in [name for name in sys.modules if name.startswith("sightkit")]:
        del sys.modules[name]  # the script imports ours itself
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            with open(os.devnull) as nothing:
                os.dup2(nothing.fileno(), 0)
            os._exit(child(json.loads(line)))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(child(json.loads(sys.argv[1])))
    serve()
