"""Children that may be killed: forked from one parent that has imported Keras."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

JOB = Path(__file__).with_name("job.py")


@dataclass
class Finished:
    """How a child ended: exit code (minus the signal's number where one killed it), and said."""

    code: int
    stdout: str
    stderr: str
    result: dict[str, Any] | None


class Children:
    """Start small trainings in processes of their own; see ``job.py``."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self.server = server
        self._ask({"ready": True})  # else the first child's time would be that of the import too

    def start(self, folder: Path, **job: Any) -> int:
        """Fork a child; ``folder`` takes its streams and its result."""
        (folder / "result").unlink(missing_ok=True)
        job = {key: str(value) if isinstance(value, Path) else value for key, value in job.items()}
        return self._ask({"start": {"folder": str(folder), **job}})["pid"]

    def wait(self, pid: int, folder: Path) -> Finished:
        code = self._ask({"wait": pid})["status"]
        result = folder / "result"
        return Finished(
            code,
            (folder / "stdout").read_text(),
            (folder / "stderr").read_text(),
            json.loads(result.read_text()) if result.exists() else None,
        )

    def run(self, folder: Path, *, kill_after: float | None = None, **job: Any) -> Finished:
        """Start, perhaps kill -9 after some seconds, and wait."""
        pid = self.start(folder, **job)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        return self.wait(pid, folder)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        print(json.dumps(request), file=self.server.stdin, flush=True)
        answer = self.server.stdout.readline()
        if not answer:
            pytest.fail("The parent of the children has died.")
        return json.loads(answer)


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    server = subprocess.Popen(
        [sys.executable, str(JOB)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        yield Children(server)
        server.stdin.close()


@pytest.fixture(scope="session")
def job_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset that can be learnt: the brightness of the upper half is the class."""
    import numpy as np

    from sightkit.io import HDF5DatasetWriter

    path = tmp_path_factory.mktemp("job") / "data.h5"
    rng = np.random.default_rng(0)
    splits = {"train": 44, "validation": 12, "test": 12}
    labels = np.arange(68) % 3
    images = rng.integers(0, 120, (68, 8, 8, 1)).astype(np.uint8)
    images[:, :4] += (labels * 60).astype(np.uint8)[:, None, None, None]
    with HDF5DatasetWriter(
        images.shape, path, class_names=("dark", "grey", "light"), splits=splits
    ) as writer:
        writer.add(images, labels)
    return path
