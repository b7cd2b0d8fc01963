"""benchmarks/training.py: which losses must agree, and which rows remain in a file."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
HERE = {
    "date": "2026-01-03",
    "load": 1.0,
    "device": "CPU A",
    "processor_flags": ["avx2"],
    "cores": 2,
    "versions": {"keras": "3.15.1", "tensorflow": "2.21.0"},
}
BEFORE = {**HERE, "date": "2026-01-02"}


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "training.py"))
    scope = module["main"].__globals__
    monkeypatch.setattr(scope["measure"], "facts", lambda: HERE)
    return scope


def small(precision, times=1.0):
    """Its logits are multiplied, which no weight shows."""
    policy = "mixed_bfloat16" if precision == "bfloat16" else precision
    layers = keras.layers
    images = keras.Input((4, 4, 1))
    x = layers.Dense(16, "relu", dtype=policy)(layers.Flatten(dtype=policy)(images))
    x = layers.Rescaling(times, dtype=policy)(layers.Dense(3, dtype=policy)(x))
    network = keras.Model(images, layers.Softmax(dtype="float32")(x))
    rng = np.random.default_rng(0)
    return network, (rng.random((8, 4, 4, 1), np.float32), np.arange(8) % 3)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", (None, "float32", "bfloat16"))
def test_losses_of_both_precisions_must_agree(wrong, benchmark):
    def network(name, precision):
        return small(precision, 8.0 if precision == wrong else 1.0)

    benchmark["_network"] = network
    if wrong is None:
        benchmark["_require_equal"]("small", with_torch=False)
    else:  # float32 and bfloat16 compute different things, each like its own copy in Keras
        with pytest.raises(
            benchmark["UnequalError"], match=r"loss of step 1: .*; ours, bfloat16: "
        ):
            benchmark["_require_equal"]("small", with_torch=False)


def row(network, ratio, normalized=True, **more):
    row = {"name": f"{network}, float32", "baseline": "Keras' defaults, float32", "ratio": ratio}
    row |= {"bar": 0.0, "met": True, "at_most": False, "network": network, "precision": "float32"}
    return {**row, "normalized": normalized, **more}


@pytest.fixture
def file(tmp_path):
    rows = [row("minivggnet", 1.0, measured=BEFORE), row("resnet20", 1.2, measured=BEFORE),
            row("alexnet", 0.5, False, measured=BEFORE)]  # fmt: skip
    median = {**row("no", 9.9, measured=BEFORE), "name": "median of 2"}
    del median["network"]
    path = tmp_path / "training.json"
    path.write_text(json.dumps([*rows, median]))
    return path


def measured(benchmark, file, networks, ratios):
    def rows_of(name, **options):
        if name not in ratios:
            raise benchmark["UnequalError"](f"{name}: unequal")
        return [row(name, ratios[name])]

    benchmark["_rows_of"] = rows_of
    benchmark["main"](benchmark["Config"](networks=networks, json=file))


def told(file):
    return [
        (each.get("network", each["name"].split(",")[0]), each["ratio"], each["measured"]["date"])
        for each in json.loads(file.read_text())
    ]


def test_other_networks_rows_remain_and_count_in_the_median(benchmark, file):
    measured(benchmark, file, ("resnet20", "minigooglenet"), {"resnet20": 1.6, "minigooglenet": 2})
    assert told(file) == [
        ("minivggnet", 1.0, "2026-01-02"),
        ("resnet20", 1.6, "2026-01-03"),
        ("alexnet", 0.5, "2026-01-02"),
        ("minigooglenet", 2, "2026-01-03"),
        ("median of 3 with batch normalization", 1.6, "2026-01-03"),
    ]


def test_a_cut_run_leaves_what_it_did_not_reach(benchmark, file):
    networks, ratios = ("minivggnet", "resnet20"), {"minivggnet": 1.4}

    def stop(name, **options):
        if name == "resnet20":
            raise KeyboardInterrupt
        return [row(name, ratios[name])]

    benchmark["_rows_of"] = stop
    with pytest.raises(KeyboardInterrupt):
        benchmark["main"](benchmark["Config"](networks=networks, json=file))
    assert [ratio for _, ratio, _ in told(file)][:3] == [1.4, 1.2, 0.5]


def test_a_network_whose_losses_differ_now_loses_its_rows(benchmark, file):
    with pytest.raises(SystemExit, match="resnet20: unequal"):
        measured(benchmark, file, ("resnet20",), {})
    assert [name for name, *_ in told(file)] == [
        "minivggnet",
        "alexnet",
        "median of 1 with batch normalization",
    ]


def test_all_networks_replace_whatever_stands_there(benchmark, file):
    names = tuple(benchmark["BATCHES"])
    measured(benchmark, file, names, dict.fromkeys(names, 1.0))
    assert {date for *_, date in told(file)} == {"2026-01-03"}


def test_rows_of_another_machine_are_refused_before_measuring(benchmark, file):
    rows = json.loads(file.read_text())
    rows[0]["measured"] = {**BEFORE, "device": "CPU B"}
    file.write_text(json.dumps(rows))
    with pytest.raises(SightkitError, match="one machine"):
        measured(benchmark, file, ("resnet20",), {})
    measured(benchmark, file, ("minivggnet",), {"minivggnet": 1.1})  # its row is replaced
