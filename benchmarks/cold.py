"""Whole processes that find a network's compiled form, against a bar and against Keras.

    python benchmarks/cold.py [--quick] [--json FILE] [--photos FOLDER]

``predict.py`` on one photo, by a network and by a network with a head: at most 0.8 s and 200 MB.
``extract_features.py`` on 1,000 photos of about 500×375 (MobileNetV2-0.35), against
``baselines/keras_features.py``: at most 0.5 of its CPU seconds and 0.35 of its time. All from
process start, interleaved, medians of five; before they are timed both sides' features are
compared. ``KERAS_HOME`` must have the weights.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import measure

from sightkit import _cli
from sightkit._errors import SightkitError

ROOT = Path(__file__).parents[1]
COUNT = 1000
SECONDS, MEGABYTES, CPU, WALL = 0.8, 200, 0.5, 0.35
ALIKE = 0.9
"""Cosine of both sides' features of a photo, the median: they scale photos down differently."""
NETWORK = """
import sys, keras, numpy as np
from sightkit import training, zoo
from sightkit.preprocessing import *
keras.utils.set_random_seed(0)
steps = ColourPreprocessor(), AspectAwarePreprocessor(224, 224), ImageToArrayPreprocessor()
network = zoo.build("mobilenetv2_0.35", input_shape=(224, 224, 3), classes=3)
canary = np.random.default_rng(0).integers(0, 256, (375, 500, 3), np.uint8)
training.save_bundle(
    sys.argv[1], network, preprocessing=Pipeline(steps), class_names="abc", canary=canary
)
"""
COSINE = """
import sys, h5py, json, numpy as np
from sightkit import transfer
ours = transfer.open_features([sys.argv[1]])
with h5py.File(sys.argv[2]) as file:
    row = {path.rsplit("/", 2)[-1]: i for i, path in enumerate(file["paths"].asstr()[()])}
    theirs = file["features"][()][[row[source.rsplit("/", 1)[-1]] for source in ours.sources()]]
rows = ours.take(slice(None))
lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(theirs, axis=1)
print(json.dumps(float(np.median((rows * theirs).sum(axis=1) / lengths))))
"""


@dataclass(frozen=True)
class Config:
    """Time commands that start cold."""

    quick: bool = False
    """One round in place of five."""
    json: Path | None = None
    """File to write the rows to."""
    photos: Path | None = None
    """Folder of class folders of JPEG files; SIGHTKIT_TEST_DATA/animals by default."""


class Process(NamedTuple):
    """What a process took."""

    wall: float
    cpu: float
    megabytes: float


def main(config: Config) -> list[measure.Row]:
    source = config.photos or Path(os.environ.get("SIGHTKIT_TEST_DATA", "")) / "animals"
    files = sorted(source.glob("*/*.jpg"))
    if not files:
        raise SightkitError(
            "There must be photos.",
            "Give --photos FOLDER, or set SIGHTKIT_TEST_DATA.",
            photos=source,
        )
    with tempfile.TemporaryDirectory() as scratch:
        return _measured(config, Path(scratch), files)


def _measured(config: Config, scratch: Path, files: list[Path]) -> list[measure.Row]:
    photos = scratch / "photos"
    for number, file in zip(range(COUNT), itertools.cycle(files), strict=False):
        (photos / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, photos / file.parent.name / f"{number:04d}.jpg")
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    ours, theirs = scratch / "ours.h5", scratch / "theirs.h5"
    head = scratch / "logistic"

    def script(name: str, *arguments: object) -> list[str]:
        return [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, arguments)]

    def predict(bundle: Path) -> list[str]:
        return script("predict", files[0], "--bundle", bundle)

    extract = script("extract_features", "--data", photos, "--output", ours, "--overwrite")
    baseline = [str(Path(__file__).parent / "baselines" / "keras_features.py"), photos, theirs]
    commands = {
        "network": predict(scratch / "network"),
        "network and head": predict(head / "bundle"),
        "features": extract,
        "Keras": [sys.executable, *map(str, baseline)],
    }
    _run([sys.executable, "-c", NETWORK, str(scratch / "network")])
    _run(extract)
    _run(script("train_logistic", "--features", ours, "--output", head))
    for command in commands.values():  # makes the forms, and reads all files once
        _run(command)
    compared = subprocess.run(
        [sys.executable, "-c", COSINE, str(ours), str(theirs)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    cosine = json.loads(compared.stdout)
    if not cosine > ALIKE:
        raise SightkitError("Both sides must give the same features.", cosine=cosine)
    taken: dict[str, list[Process]] = {name: [] for name in commands}
    for _ in range(1 if config.quick else 5):
        for name, command in commands.items():
            taken[name].append(_run(command))
    medians = {
        name: Process(*map(statistics.median, zip(*each, strict=True)))
        for name, each in taken.items()
    }
    for name, each in medians.items():
        print(f"{name:<17}{each.wall:7.2f} s {each.cpu:7.2f} CPU s {each.megabytes:7.0f} MB")
    rows = []
    for kind in ("network", "network and head"):
        found = medians[kind]
        rows += [
            measure.at_most(f"one photo, {kind}", f"{SECONDS} s", found.wall / SECONDS, 1),
            measure.at_most(f"one photo, {kind}", f"{SECONDS} CPU s", found.cpu / SECONDS, 1),
            measure.at_most(
                f"one photo, {kind}", f"{MEGABYTES} MB", found.megabytes / MEGABYTES, 1
            ),
        ]
    found, keras = medians["features"], medians["Keras"]
    rows += [
        measure.at_most(f"features of {COUNT} photos", "CPU s, Keras", found.cpu / keras.cpu, CPU),
        measure.at_most(f"features of {COUNT} photos", "s, Keras", found.wall / keras.wall, WALL),
    ]
    measure.report(rows, config.json)
    return rows


def _run(command: list[str]) -> Process:
    """Run a process to its end, and return what it alone took."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace")[-500:]
            raise SightkitError("A command failed.", lines, command=" ".join(command))
    return Process(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    _cli.run(main, Config)
