"""What all tests share: settings of hypothesis, images, a small dataset file, running scripts.

Scripts are run as their users run them; by forks of one process, which has imported Keras.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from sightkit import _cli, _keras, _scripts

_cli.prepare_environment()  # before anything imports TensorFlow
_keras.reuse_freed_memory()
_scripts.command_line = True  # messages name flags, as in a script
# A background job of a shell ignores Ctrl-C, and would hand that on to the scripts under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: other work may share the machine. Derandomised: a red suite is red for everyone.
hypothesis.settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, max_examples=50
)
hypothesis.settings.load_profile("suite")

SIZES = ("alpha", "blocks")
"""Arguments that make a network wider or deeper, and no other."""
DATA_VARIABLE = "SIGHTKIT_TEST_DATA"
SLOW_FILE = 20.0
"""Seconds of a file from which on it is named: what is slow by nature belongs under ``slow``."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the files that took long, the slowest first."""
    seconds = Counter[str]()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    slow = [(file, total) for file, total in seconds.most_common() if total > SLOW_FILE]
    if slow:
        terminalreporter.section(f"files above {SLOW_FILE:.0f} s")
        for file, total in slow:
            terminalreporter.write_line(f"{total:6.1f} s  {file}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``topology`` each network of the zoo, but one alone of those that differ in size.

    That is the smallest. A module's ``KIND`` is that of its networks, classifiers by default; slow
    are those that its ``QUICK`` does not name, and those of ``LONG`` are left to test-faults.
    """
    if "topology" not in metafunc.fixturenames:
        return
    from sightkit import zoo

    smallest: dict[str, str] = {}
    names = zoo.names(getattr(metafunc.module, "KIND", "classifier"))
    for name in sorted(names, key=lambda n: zoo.entry(n).published[0][1]):
        entry = zoo.entry(name)
        others = {key: value for key, value in entry.variant.items() if key not in SIZES}
        smallest.setdefault(f"{entry.builder} {others}", name)
    quick, long = metafunc.module.QUICK, getattr(metafunc.module, "LONG", ())
    slow, faults = pytest.mark.slow, pytest.mark.faults
    metafunc.parametrize(
        "topology",
        [
            pytest.param(name, marks=faults if name in long else [] if name in quick else slow)
            for name in sorted(smallest.values())
        ],
    )


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photos and weights; tests that need it are skipped where it is absent."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"{DATA_VARIABLE} names no folder with test data")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled networks and timings of the user are neither read nor added to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_of_a_file() -> Iterator[None]:
    """Let go of a file's networks, and keep the libraries' million objects from being gone over."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
        gc.collect()
        gc.freeze()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def photo() -> np.ndarray:
    """uint8 (48, 64, 3): smooth, with red, green and blue that differ everywhere."""
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([rows * 4, columns * 3, 255 - rows - columns], axis=-1).astype(np.uint8)


@pytest.fixture
def write_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset file: ``write_dataset(train=20, validation=6, shape=(8, 8, 1))``."""
    from sightkit.io import HDF5DatasetWriter

    def write(
        name: str = "data.h5",
        *,
        shape: tuple[int, int, int] = (8, 8, 1),
        classes: int = 3,
        seed: int = 0,
        **splits: int,
    ) -> Path:
        splits = splits or {"train": 20, "validation": 6, "test": 5}
        count = sum(splits.values())
        rng = np.random.default_rng(seed)
        labels = np.arange(count) % classes
        images = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
        # The class is visible and so is the row: a network can learn, a test can tell rows apart.
        images[:, : shape[0] // 2] = (labels * 80)[:, None, None, None]
        images[:, -1, -1, 0] = np.arange(count) % 256
        path = tmp_path / name
        with HDF5DatasetWriter(
            (count, *shape),
            path,
            class_names=[f"class {index}" for index in range(classes)],
            splits=splits,
        ) as writer:
            writer.add(images, labels)
        return path

    return write


@pytest.fixture(scope="session")
def trained_bundles() -> Callable[..., tuple[Path, list[Path]]]:
    """Write a dataset file of digits, and bundles of small networks, which differ by their seed."""
    from sightkit import io, preprocessing, training, zoo

    def make(folder: Path, count: int = 1) -> tuple[Path, list[Path]]:
        file = io.build_dataset(
            io.digits,
            folder / "digits.h5",
            preprocessors=preprocessing.Pipeline(
                (preprocessing.GrayscalePreprocessor(), preprocessing.SimplePreprocessor(16, 16))
            ),
            fractions={"train": 0.6, "validation": 0.2, "test": 0.2},
            limit=200,
        )
        to_array = preprocessing.Pipeline((preprocessing.ImageToArrayPreprocessor(),))
        bundles = []
        for seed in range(1, count + 1):
            train = io.HDF5DatasetGenerator(
                file.path, 32, preprocessors=to_array, shuffle=True, seed=seed
            )
            training.prepare(seed=seed)
            network = zoo.MLP((16, 16, 1), len(file.class_names), hidden=(32,))
            network.compile("adam", "sparse_categorical_crossentropy")
            network.fit(train, epochs=5, verbose=0)
            chain = (preprocessing.from_config(file.preprocessing), to_array)
            bundles.append(
                training.save_bundle(
                    folder / f"bundle-{seed}",
                    network,
                    preprocessing=preprocessing.Pipeline(chain),
                    class_names=file.class_names,
                    canary=file.memmap()[0],
                    training={"seed": seed, "smoke": True},
                    training_rows=io.Manifest.of(file),
                )
            )
        return file.path, bundles

    return make


SCRIPTS = Path(__file__).parents[1] / "scripts"
SERVER = Path(__file__).with_name("scripts") / "server.py"
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
def edit_bundle() -> Callable[..., None]:
    """Change a bundle's description; all hashes are made anew, as one with bad intent would."""
    from sightkit import _files
    from sightkit.training.bundle_format import DESCRIPTION, digest

    def edit(folder: Path, change: Callable[[dict[str, Any]], object] = dict) -> None:
        path = folder / DESCRIPTION
        found = json.loads(path.read_text())
        found.pop("sha256")
        found["files"] = {name: _files.sha256(folder / name) for name in found["files"]}
        change(found)
        path.write_text(json.dumps({**found, "sha256": digest(found)}))

    return edit


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Result]]:
    """``script("predict", "--top", "3", cwd=folder)``; relative folders are those of ``cwd``.

    Its limits: ``seconds`` until it is killed, ``file_bytes`` of a file at most, a path for
    ``stdout`` or ``stderr``; with ``root=False`` permissions count for root too.
    """
    program = [sys.executable, str(SERVER)]
    first = read_at_import()
    server = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def fork(job: str) -> int:
        print(job, file=server.stdin, flush=True)
        if not select.select([server.stdout], [], [], SECONDS)[0]:
            pytest.fail(f"It took more than {SECONDS} s: {job}")
        return int(server.stdout.readline())

    def run(name: str, *arguments: object, cwd: Path | None = None, **limits: Any) -> Result:
        folder = tmp_path_factory.mktemp("script")
        job = json.dumps(
            {
                "argv": [str(SCRIPTS / f"{name}.py"), *map(str, arguments)],
                "cwd": str(cwd or folder),
                "env": dict(os.environ),
                "folder": str(folder),
                "limits": limits,
            }
        )
        if read_at_import() == first:
            code = fork(job)
        else:
            code = subprocess.run([*program, job], timeout=SECONDS, check=False).returncode
        told = _content(folder / "stderr")
        assert "This is a bug" not in told, told
        heavy = folder / "heavy"
        return Result(
            code,
            _content(folder / "stdout"),
            told,
            heavy.read_text() if heavy.exists() else "unknown",
        )

    with server:
        yield run
        server.stdin.close()


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""  # the stream was another file


def read_at_import() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(READ_AT_IMPORT)}
