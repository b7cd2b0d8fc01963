"""The hint says what was measured, and nothing else is left of the measuring."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from sightkit import training, zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit.training import precision_hint as hints
from sightkit.training.precision_hint import precision_hint

BATCH = (np.random.default_rng(0).random((16, 28, 28, 1), np.float32), np.arange(16) % 10)


def network(precision="float32", **options):
    training.prepare(seed=1, precision=precision)
    model = zoo.LeNet((28, 28, 1), 10)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy",
                  **options)  # fmt: skip
    return model


@pytest.fixture(autouse=True)
def float32_again():
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def timed(monkeypatch):
    calls = []

    def find(**seconds):
        monkeypatch.setattr(hints, "_time_steps", lambda *a: calls.append(a) or seconds)
        return calls

    return find


@pytest.mark.parametrize(
    ("precision", "seconds", "said"),
    (
        ("float32", {"float32": 2.3, "bfloat16": 1.0}, "bfloat16 is 2.3× faster here: --precision"),
        ("float32", {"float32": 1.0, "bfloat16": 1.5}, "bfloat16 would be 1.5× slower here."),
        ("float32", {"float32": 1.0, "bfloat16": 1.0}, "bfloat16 would be no faster here."),
        ("bfloat16", {"float32": 1.0, "bfloat16": 3.0}, "float32 is 3.0× faster here: --precision"),
    ),
)
def test_it_says_what_the_other_would_bring(precision, seconds, said, timed, tmp_path):
    timed(**seconds)
    assert precision_hint(network(precision), [BATCH], cache=tmp_path).startswith(said)


@pytest.mark.slow
@pytest.mark.parametrize("steps", (1, 4))
def test_measuring_changes_nothing(steps, tmp_path):
    ends = []
    for measured in (False, True):
        model = network(steps_per_execution=steps)
        if measured:
            before = random.getstate()
            assert "bfloat16" in precision_hint(model, [BATCH], cache=tmp_path)
            assert random.getstate() == before
            assert keras.config.dtype_policy().name == "float32"
            assert model.steps_per_execution == steps
        model.fit(_Repeated(), epochs=1, verbose=0, shuffle=False)
        ends.append(training.weights_sha256(model))
    assert ends[0] == ends[1]


class _Repeated(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return BATCH


def test_it_is_measured_once_for_both_precisions(timed, tmp_path):
    calls = timed(float32=2.0, bfloat16=1.0)
    precision_hint(network(), [BATCH], cache=tmp_path)
    assert "slower" in precision_hint(network("bfloat16"), [BATCH], cache=tmp_path)
    assert len(calls) == 1
    for kept in tmp_path.iterdir():
        kept.write_text("{}")
    precision_hint(network(), [BATCH], cache=tmp_path)
    assert len(calls) == 2


def test_a_network_that_no_builder_made_gets_no_hint(tmp_path):
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(),
                              keras.layers.Dense(10)])  # fmt: skip
    model.compile("sgd", "mse")
    assert precision_hint(model, [BATCH], cache=tmp_path) is None


def test_as_much_of_the_twin_is_frozen():
    model = network()
    for layer in model.layers[:-2]:
        layer.trainable = False
    twin = hints._twin(model, "bfloat16")
    assert [layer.trainable for layer in twin.layers] == [layer.trainable for layer in model.layers]
    assert len(twin.trainable_variables) == len(model.trainable_variables) == 2


def test_layers_of_models_in_the_network_are_frozen_too(monkeypatch):
    def nested(policy):
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, dtype=policy),
                                  keras.layers.Dense(2, dtype=policy)])  # fmt: skip
        return keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2, dtype=policy)])

    model = nested("float32")
    model.layers[0].layers[0].trainable = False
    model.compile("sgd", "mse")
    monkeypatch.setattr(zoo, "origin", lambda network: {"builder": "nested", "arguments": {}})
    monkeypatch.setattr(zoo, "build", lambda name, precision: nested(f"mixed_{precision}"))
    twin = hints._twin(model, "bfloat16")
    assert len(twin.trainable_variables) == len(model.trainable_variables) == 4


@pytest.mark.parametrize("failing", ("_twin", "train_on_batch"))
@pytest.mark.parametrize("error", (MemoryError, RuntimeError, SightkitError))
def test_measuring_that_fails_gives_no_hint_and_changes_nothing(
    failing, error, monkeypatch, tmp_path
):
    model = network(steps_per_execution=4)
    weights = training.weights_sha256(model)
    fail(monkeypatch, failing, model, error("too large"))
    assert precision_hint(model, [BATCH], cache=tmp_path) is None
    assert model.steps_per_execution == 4
    assert training.weights_sha256(model) == weights
    assert keras.config.dtype_policy().name == "float32"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stop", (KeyboardInterrupt(), Interrupted("stopped", 130)))
def test_who_stops_the_measuring_stops_the_training(stop, monkeypatch, tmp_path):
    model = network(steps_per_execution=4)
    fail(monkeypatch, "train_on_batch", model, stop)
    with pytest.raises(type(stop)):
        precision_hint(model, [BATCH], cache=tmp_path)
    assert model.steps_per_execution == 4


def fail(monkeypatch, where, model, error):
    """Let the twin's building or its step end so."""
    real = keras.Model.train_on_batch

    def failing(self, *args, **options):
        if self is not model:
            raise error
        return real(self, *args, **options)

    if where == "_twin":
        monkeypatch.setattr(zoo, "build", lambda *a, **k: failing(None))
    else:
        monkeypatch.setattr(keras.Model, "train_on_batch", failing)


@pytest.mark.parametrize(
    ("flags", "told"), ((["avx2"], True), (["avx512_bf16"], False), ([], False))
)
def test_a_processor_without_bfloat16_is_told(flags, told, monkeypatch, capsys):
    from sightkit.training import preparation

    monkeypatch.setattr(preparation, "processor_flags", lambda: flags)
    training.prepare(seed=1, precision="bfloat16")
    assert ("no bfloat16" in capsys.readouterr().err) == told
    training.prepare(seed=1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("flags", "gpu", "expected"),
    [
        (["avx2"], False, "float32"),
        (["avx2"], True, "bfloat16"),
        (["amx_bf16"], False, "bfloat16"),
        ([], False, "float32"),
    ],
)
def test_the_fast_scripts_compute_in_what_the_machine_does_by_itself(
    flags, gpu, expected, monkeypatch, tmp_path
):
    from sightkit.inference import processor

    monkeypatch.setattr(processor, "cpu_flags", lambda: flags)
    monkeypatch.setattr(processor, "GPUS", tmp_path if gpu else tmp_path / "none")
    assert processor.native_precision() == expected


def test_a_precision_that_networks_are_not_trained_in_is_named():
    with pytest.raises(SightkitError, match=r"float32 or bfloat16.*float16"):
        training.prepare(seed=1, precision="float16")
