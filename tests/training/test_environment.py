"""The device of a run: the accelerator that Keras uses, else the processor."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from sightkit.training import environment

NVIDIA = "Model: \t\t NVIDIA H200\nIRQ: 5\n"


@pytest.mark.parametrize(
    ("found", "files", "device"),
    [
        ([], {"a": NVIDIA}, "CPU A"),  # there, but Keras does not use it
        (["gpu:0"], {"a": NVIDIA}, "1 × NVIDIA H200"),
        (["gpu:0", "gpu:1"], {"a": NVIDIA, "b": NVIDIA}, "2 × NVIDIA H200"),
        (["tpu:0"], {}, "1 × tpu"),
    ],
)
def test_the_device_is_the_accelerator_where_there_is_one(
    found, files, device, tmp_path, monkeypatch
):
    for name, text in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "information").write_text(text)
    keras = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "jax"))
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr(environment, "GPUS", tmp_path)
    monkeypatch.setattr(environment, "accelerators", lambda: found)
    monkeypatch.setattr(environment, "cpu_info", lambda _: "CPU A")
    assert environment.describe_environment()["device"] == device


def test_a_commit_is_that_of_a_checkout_whose_code_is_unchanged(tmp_path):
    def git(*words):
        name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", "-C", str(tmp_path), *name, *words], check=True, capture_output=True)

    code, table = tmp_path / "package" / "code.py", tmp_path / "results.csv"
    code.parent.mkdir()
    git("init")
    assert environment.commit_of(code) is None
    for file in (code, table):
        file.write_text("1\n")
    git("add", ".")
    git("commit", "-m", "x")
    commit = environment.commit_of(code)
    assert len(commit) == 40
    table.write_text("2\n")  # as a measurement writes its row
    assert environment.commit_of(code) == commit
    (tmp_path / "other.py").write_text("1\n")
    git("add", "other.py")
    assert environment.commit_of(code) == f"{commit}-dirty"
    installed = tmp_path / "package" / "site_packages.py"  # in a checkout, and not of it
    installed.write_text("1\n")
    assert environment.commit_of(installed) is None
