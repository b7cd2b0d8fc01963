"""Scripts, run as their users run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
HEAVY = ("keras", "tensorflow", "sklearn", "jax", "torch")
# Runs a script and then says which heavy packages it has imported.
WATCH = f"""
import os, runpy, sys
code, sys.argv = 0, sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as stop:
    code = stop.code
finally:
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    open(os.environ["WATCH_FILE"], "w").write(",".join(heavy))
sys.exit(code)
"""


@dataclass
class Result:
    code: int
    stdout: str
    stderr: str
    heavy: str


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    """``script("predict", "--top", "3", cwd=folder)``; relative folders are those of ``cwd``."""

    def run(name: str, *arguments: object, cwd: Path | None = None) -> Result:
        folder = tmp_path_factory.mktemp("script")
        watched = folder / "imported"
        result = subprocess.run(
            [sys.executable, "-c", WATCH, str(SCRIPTS / f"{name}.py"), *map(str, arguments)],
            cwd=cwd or folder,
            env={**os.environ, "WATCH_FILE": str(watched)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        heavy = watched.read_text() if watched.exists() else "unknown"
        return Result(result.returncode, result.stdout, result.stderr, heavy)

    return run
