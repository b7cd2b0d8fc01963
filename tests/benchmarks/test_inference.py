"""What is compared in benchmarks/inference.py: from made costs, without engines."""

from __future__ import annotations

import importlib.util
import runpy
import sys
import types
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CPU = {
    "keras, predict": 6.0,
    "torch float32": {None: 4.0, 1: 3.0},  # all threads spin
    "torch bfloat16": {None: 1.0, 1: 2.0},
}


@pytest.fixture
def benchmark(monkeypatch):
    """The benchmark, whose engines answer nothing and cost what CPU says, ours a second."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "inference.py"))
    scope = module["_measure"].__globals__
    monkeypatch.setitem(scope, "_networks", lambda *a: (None, None))
    monkeypatch.setitem(scope, "_engine", lambda *a: lambda: None)
    monkeypatch.setitem(scope, "_require_equal", lambda *a: None)

    def bare_torch(network, images, batch, precision, threads=None):
        return lambda: CPU[f"torch {precision}"][threads]

    fake = types.SimpleNamespace(bare_torch=bare_torch)
    monkeypatch.setitem(sys.modules, "baselines.torch_inference", fake)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    cost = scope["measure"].Cost

    def costs(contestants, rounds):
        spent = {
            who: ask() if who.startswith("torch") else CPU.get(who, 1.0)
            for who, ask in contestants.items()
        }
        return {who: cost(seconds, seconds) for who, seconds in spent.items()}

    monkeypatch.setattr(scope["measure"], "interleaved_costs", costs)
    return module


def test_pytorch_is_the_cheaper_of_one_thread_and_all(benchmark, capsys):
    network = benchmark["Network"]("Any", {}, 32, {"openvino float32": 7.0})
    rows = benchmark["_measure"]("net", network, benchmark["Config"](quick=True), amx=True)
    told = [(row["name"], row["baseline"], row["ratio"], row["bar"]) for row in rows]
    assert told == [
        ("net, openvino float32", "keras, predict", 6.0, 7.0),
        ("net, openvino float32", "torch float32", 3.0, 0.0),
        ("net, openvino bfloat16", "keras, predict", 6.0, 0.0),
        ("net, openvino bfloat16", "torch bfloat16", 1.0, 0.0),
        ("net, folded float32", "keras, predict", 6.0, 0.0),
        ("net, folded float32", "torch float32", 3.0, 0.0),
        ("net, folded bfloat16", "keras, predict", 6.0, 0.0),
        ("net, folded bfloat16", "torch bfloat16", 1.0, 0.0),
    ]
    printed = capsys.readouterr().out
    assert printed.count("torch float32") == printed.count("torch bfloat16") == 1


def test_without_pytorch_keras_alone_is_the_baseline(benchmark, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    network = benchmark["Network"]("Any", {}, 32, {})
    rows = benchmark["_measure"]("net", network, benchmark["Config"](quick=True), amx=True)
    assert {row["baseline"] for row in rows} == {"keras, predict"}
