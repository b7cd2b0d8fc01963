"""A disk that is full, at any moment: one line, no crash, and nothing that was there is lost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time

import pytest

FIT = ("--features", "f.h5", "--folds", 2, "--strengths", 0.1)
TRAIN = ("--smoke", "--epochs", 2, "--data", "digits.h5")
MODEL = ("--model", "minivggnet", "--random-weights", "--data", "photos")
EVALUATE = ("evaluate", "--bundle", "lenet/bundle", "--data", "digits.h5")
PREDICT = ("predict", "--bundle", "lenet/bundle", "lenet/bundle/canary.png")
SIZES = {
    ("train_logistic", *FIT, "--output", "head", "--overwrite"): (4, 20, 50, 100, 200, 400, 800),
    ("train_lenet_digits", *TRAIN, "--output", "lenet", "--overwrite"): (4, 20, 50, 100, 400, 2000),
    ("extract_features", *MODEL, "--output", "f.h5", "--overwrite"): (4, 10, 20),
    ("build_folder", "--data", "photos", "--output", "d.h5"): (4, 20, 100),
    (*EVALUATE, "--output", "judged"): (4, 20, 100, 200),
    ("import_network", "--smoke", "--output", "imported", "--overwrite"): (4, 20),
}
STDOUT = (
    ("train_logistic", *FIT, "--output", "new"),
    ("train_lenet_digits", *TRAIN, "--output", "new"),
    ("extract_features", *MODEL, "--output", "new.h5"),
    ("build_folder", "--data", "photos", "--output", "new.h5"),
    EVALUATE,
    PREDICT,
    ("verify_dataset", "--data", "digits.h5"),
    ("inspect_model", "lenet"),
    ("train_lenet_digits", "--help"),
)


def limited():
    for command, sizes in SIZES.items():
        for size in sizes:
            yield pytest.param(command, size, id=f"{command[0]}-{size}k")


@pytest.mark.faults
@pytest.mark.parametrize(("command", "kilobytes"), [*limited()])
def test_a_file_that_may_not_grow_is_one_line(command, kilobytes, work, contents):
    before = contents(work.folder)
    result = work.run(*command, file_bytes=1024 * kilobytes)
    if result.code == 2:
        after = contents(work.folder)
        assert {name: after.get(name) for name in before} == before
        # What is left of a new one stands in nobody's way.
        assert work.run(*command).code == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 160 MB; skipped where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk, sign, room):
    """Fill a disk but for some bytes as soon as a file is there, by its pattern."""
    end = time.monotonic() + 120
    while not any(disk.glob(sign)) and time.monotonic() < end:
        time.sleep(0.0005)
    with open(disk / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while (free := shutil.disk_usage(disk).free) > room:  # the script writes and deletes too
            os.posix_fallocate(file.fileno(), file.tell(), (free - room + 1) // 2)
            file.seek(0, os.SEEK_END)


MOMENTS = (
    *(("train_lenet_digits", sign, room) for sign in (
        "run/config.json", "run/environment.json", "run/history.csv", "run/checkpoints/epoch*",
        "run/report.html", "run/.bundle.partial.bundle",
    ) for room in (0, 100_000)),
    *(("train_logistic", sign, room) for sign in (
        "run/config.json", "run/environment.json", "run/metrics.json", "run/report.html",
        "run/.bundle.partial.bundle",
    ) for room in (0, 100_000)),
)  # fmt: skip


@pytest.mark.faults
@pytest.mark.parametrize(("name", "sign", "room"), MOMENTS)
def test_a_disk_that_is_full_from_a_moment_on(name, sign, room, work, small_disk, contents):
    flags = {"train_lenet_digits": TRAIN, "train_logistic": FIT}[name]
    flags = (*flags, "--output", small_disk / "run")
    filling = threading.Thread(target=fill, args=(small_disk, sign, room))
    filling.start()
    result = work.run(name, *flags)
    filling.join()
    (small_disk / "filler").unlink()
    if result.code == 2:
        assert "free" in result.stderr or "space" in result.stderr
        more = ["--resume"] if name == "train_lenet_digits" else []
        again = work.run(name, *flags, *more)
        assert again.code == 0, again.stderr
    if name == "train_lenet_digits":
        expected = work.folder / "straight"
        assert work.run(name, *TRAIN, "--output", expected).code == 0
        stored = [folder / "bundle" / "bundle.json" for folder in (small_disk / "run", expected)]
        found, wanted = (json.loads(path.read_text())["weights_sha256"] for path in stored)
        assert found == wanted


@pytest.mark.faults
@pytest.mark.parametrize("command", STDOUT, ids=lambda command: " ".join(command[:2]))
def test_a_full_disk_behind_stdout_is_one_line(command, work):
    result = work.run(*command, stdout="/dev/full")
    assert result.code == 2 and "No space left on device" in result.stderr
    assert len(result.stderr.strip().splitlines()[-1:]) == 1


@pytest.mark.faults
@pytest.mark.parametrize("command", STDOUT[:4], ids=lambda command: " ".join(command[:2]))
def test_a_full_disk_behind_stderr_is_no_crash(command, work):
    assert work.run(*command, stderr="/dev/full").code in (0, 2)
