"""Scripts, run as their users run them; by forks of one process, which has imported Keras."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
SERVER = Path(__file__).with_name("server.py")
READ_AT_IMPORT = ("KERAS_", "TF_", "CUDA_", "JAX_", "PYTHON", "MPL")
"""Variables that Python, Keras or TensorFlow reads once: with others than the parent's a script has
a process of its own."""
SECONDS = 300


@dataclass
class Result:
    code: int
    stdout: str
    stderr: str
    heavy: str
    """Heavy packages that the script has imported, with commas."""


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Result]]:
    """``script("predict", "--top", "3", cwd=folder)``; relative folders are those of ``cwd``."""
    program = [sys.executable, str(SERVER)]
    first = read_at_import()
    server = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def fork(job: str) -> int:
        print(job, file=server.stdin, flush=True)
        if not select.select([server.stdout], [], [], SECONDS)[0]:
            pytest.fail(f"It took more than {SECONDS} s: {job}")
        return int(server.stdout.readline())

    def run(name: str, *arguments: object, cwd: Path | None = None) -> Result:
        folder = tmp_path_factory.mktemp("script")
        job = json.dumps(
            {
                "argv": [str(SCRIPTS / f"{name}.py"), *map(str, arguments)],
                "cwd": str(cwd or folder),
                "env": dict(os.environ),
                "folder": str(folder),
            }
        )
        if read_at_import() == first:
            code = fork(job)
        else:
            code = subprocess.run([*program, job], timeout=SECONDS, check=False).returncode
        heavy = folder / "heavy"
        return Result(
            code,
            (folder / "stdout").read_text(),
            (folder / "stderr").read_text(),
            heavy.read_text() if heavy.exists() else "unknown",
        )

    with server:
        yield run
        server.stdin.close()


def read_at_import() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(READ_AT_IMPORT)}
