"""The device of a run: the accelerator that Keras uses, else the processor."""

from __future__ import annotations

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
