"""Children that may be killed: forked from one parent that has imported Keras; scripts' work."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from sightkit import _files
from sightkit._errors import SightkitError, explained, visible

sys.path.insert(0, str(Path(__file__).parent))  # what several files of tests use

from hostile import TABLE, Trials

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


@dataclass
class Work:
    """A folder with what scripts have made; each test gets a copy of it.

    ``photos``, ``f.h5`` (features), ``digits.h5``, ``head`` (a run of train_logistic), ``lenet``
    (one of train_lenet_digits) and ``half`` (the same, killed in the middle).
    """

    folder: Path
    script: Any

    def run(self, name: str, *flags: object, **limits: Any) -> Any:
        """Run a script; whatever happens, it ends as documented."""
        result = self.script(name, *flags, cwd=self.folder, **limits)
        said = f"{name} {flags} {limits}: exit code {result.code}\n{result.stderr}"
        assert "Traceback" not in result.stderr, said
        if "seconds" not in limits and "SIGHTKIT_CRASH_AT" not in os.environ:
            assert result.code in (0, 2), said
        if result.code == 2 and "stderr" not in limits:
            (line,) = result.stderr.strip().splitlines()[-1:]
            assert line.endswith((".", ")")), said
        return result


TRAIN = ("--smoke", "--epochs", 4, "--data", "digits.h5")
FIT = ("--features", "f.h5", "--folds", 2, "--strengths", 0.1, 1.0)


@pytest.fixture(scope="session")
def made(script: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sightkit import io

    folder = tmp_path_factory.mktemp("work")
    (folder / "photos").mkdir()
    io.write_sample_photos(folder / "photos")
    work = Work(folder, script)
    model = ("--model", "minivggnet", "--random-weights")
    for name, *flags in (
        ("extract_features", *model, "--data", "photos", "--output", "f.h5"),
        ("train_logistic", *FIT, "--output", "head"),
        ("train_lenet_digits", *TRAIN, "--output", "lenet"),
    ):
        result = work.run(name, *flags)
        assert result.code == 0, result.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTKIT_CRASH_AT", "epoch.after_checkpoint:2")
        assert work.run("train_lenet_digits", *TRAIN, "--output", "half").code == 137
    return folder


@pytest.fixture
def work(made: Path, script: Any, tmp_path: Path) -> Work:
    """A copy of all that scripts have made."""
    return Work(Path(shutil.copytree(made, tmp_path / "work", symlinks=True)), script)


@pytest.fixture
def contents() -> Any:
    """``contents(folder)``: bytes by path of all that is in it, but locks and what a kill left."""

    def read(folder: Path) -> dict[str, bytes]:
        files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        return {
            path.as_posix(): (folder / path).read_bytes()
            for path in files
            if not path.name.endswith(".lock") and not any(map(_files.is_partial, path.parts))
        }

    return read


@pytest.fixture(scope="session")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    found = Trials(tmp_path_factory.mktemp("trials"))
    yield found
    found.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what hostile and damaged files have led to."""
    if TABLE.rows:
        terminalreporter.section("hostile and damaged files")
        terminalreporter.write_line(str(TABLE))


@pytest.fixture(
    params=[
        pytest.param(200, marks=pytest.mark.slow),
        pytest.param(10_000, marks=pytest.mark.faults),
    ]
)
def fuzz(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Call ``attempt`` with many examples: 200 in make test-all, 10,000 in make test-faults."""

    def run(attempt: Callable[..., None], *strategies: Any) -> None:
        few = hypothesis.HealthCheck
        settings = hypothesis.settings(
            max_examples=request.param,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[few.too_slow, few.data_too_large, few.large_base_example],
        )
        settings(hypothesis.given(*strategies)(attempt))()

    return run


@pytest.fixture
def refused() -> Callable[..., contextlib.AbstractContextManager[None]]:
    """Accept, in its block, what is sound all the same, and errors of one line."""

    @contextlib.contextmanager
    def block(refusal: Any = SightkitError) -> Iterator[None]:
        try:
            yield
        except refusal as error:
            text = str(explained(error, {}) if isinstance(error, OSError) else error)
            assert "\n" not in text and len(text) < 40_000
            assert visible(text) == text

    return block
