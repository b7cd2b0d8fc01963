from __future__ import annotations

import json
import math
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import _files, _run_files, experiments, io, training, zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline
from sightkit.training import execution_plan
from sightkit.training.execution_plan import PLAN, plan_execution
from sightkit.training.measurements import measurement_key


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    preflight: str = "off"
    epochs: int = 2
    batch_size: int = 5


def network(**options):
    """All that has a memory of its own."""
    training.prepare(seed=1)
    layers = keras.layers
    images = keras.Input((8, 8, 1), name="images")
    x = layers.Flatten(name="flat")(images)
    x = layers.BatchNormalization(name="norm")(layers.Dense(16, "relu", name="dense")(x))
    x = layers.Dropout(0.3, name="drop")(x)
    model = keras.Model(images, layers.Dense(3, "softmax", name="out")(x))
    schedule = keras.optimizers.schedules.CosineDecay(0.05, 40)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **options,
    )
    return model


@pytest.fixture
def data(write_dataset):
    path = write_dataset(train=63, validation=8, test=4)
    chain = Pipeline((ImageToArrayPreprocessor(),))
    return {
        split: io.HDF5DatasetGenerator(
            path, 5, split=split, preprocessors=chain, shuffle=split == "train", seed=1
        )
        for split in ("train", "validation")
    }


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture
def timed(monkeypatch):
    """Let measuring find this, and count how often it is done."""
    calls = []

    def find(seconds):
        monkeypatch.setattr(
            execution_plan, "_time_steps", lambda *a: calls.append(a) or dict(seconds)
        )
        return calls

    return find


@pytest.mark.slow
def test_measuring_leaves_every_bit_as_it_was(data, tmp_path):
    model = network()
    model.optimizer.build(model.trainable_variables)
    model.fit(data["train"], epochs=1, shuffle=False, verbose=0)
    before = state(model)
    plan = plan_execution(model, data["train"], folder=tmp_path, cache=tmp_path / "cache")
    assert equal(state(model), before)
    assert 1 in plan.seconds_per_step
    assert not set(plan.seconds_per_step) - {1, 8}  # 32 are more than an epoch has
    assert model.steps_per_execution == plan.steps_per_execution


@pytest.mark.parametrize(("seconds", "chosen"), (({1: 1.0, 8: 0.95}, 1), ({1: 1.0, 8: 0.5}, 8)))
def test_only_what_is_clearly_quicker_is_chosen(seconds, chosen, timed, data, tmp_path):
    timed(seconds)
    model = network()
    plan = plan_execution(model, data["train"], folder=tmp_path, cache=tmp_path / "cache")
    assert plan.steps_per_execution == model.steps_per_execution == chosen
    assert plan.seconds_per_step == seconds


def test_a_slow_network_is_not_measured_further(monkeypatch, data, tmp_path):
    monkeypatch.setattr(execution_plan, "SLOW_STEP", -math.inf)  # a difference may be < 0
    plan = plan_execution(network(), data["train"], folder=tmp_path, cache=tmp_path / "cache")
    assert list(plan.seconds_per_step) == [1] and plan.steps_per_execution == 1


def test_a_resume_takes_the_written_plan_a_new_run_the_cached(timed, data, tmp_path):
    calls = timed({1: 1.0, 8: 0.5})
    options = {"cache": tmp_path / "cache"}
    first = plan_execution(network(), data["train"], folder=tmp_path / "a", **options)
    assert json.loads((tmp_path / "a" / PLAN).read_text())["steps_per_execution"] == 8
    assert plan_execution(network(), data["train"], folder=tmp_path / "a") == first
    other = plan_execution(network(), data["train"], folder=tmp_path / "b", **options)
    assert (other, len(calls)) == (first, 1)
    for kept in (tmp_path / "cache").iterdir():
        kept.write_text("damaged")
    plan_execution(network(), data["train"], folder=tmp_path / "c", **options)
    assert len(calls) == 2


@pytest.mark.parametrize(
    "change",
    (
        lambda seconds: [],
        lambda seconds: {},
        lambda seconds: {"8": 0.5},
        lambda seconds: {**seconds, "8": None},
        lambda seconds: {**seconds, "8": "much"},
    ),
)
def test_a_cache_of_other_content_is_measured_anew(change, timed, data, tmp_path):
    calls = timed({1: 1.0, 8: 0.5})
    cache = tmp_path / "cache"
    plan_execution(network(), data["train"], folder=tmp_path / "a", cache=cache)
    (kept,) = cache.iterdir()
    kept.write_text(json.dumps(change(json.loads(kept.read_text()))))
    plan = plan_execution(network(), data["train"], folder=tmp_path / "b", cache=cache)
    assert (plan.steps_per_execution, len(calls)) == (8, 2)


def test_a_cache_is_read_as_far_as_the_epoch_goes(timed, data, tmp_path):
    calls = timed({1: 1.0, 8: 0.5})
    cache = tmp_path / "cache"
    plan_execution(network(), data["train"], folder=tmp_path / "a", cache=cache)
    (stored,) = cache.iterdir()
    stored.write_text(json.dumps({"1": 1.0, "8": 0.8, "32": 0.1}))
    plan = plan_execution(network(), data["train"], folder=tmp_path / "b", cache=cache)
    assert (plan.steps_per_execution, len(calls)) == (8, 1)  # an epoch has thirteen batches


def small(*, strides=1, frozen=False, nested=False):
    layers = keras.layers
    body = [layers.Conv2D(4, 3, strides, padding="same"), layers.ReLU()]
    if nested:
        body = [keras.Sequential([keras.Input((8, 8, 1)), *body])]
    model = keras.Sequential([keras.Input((8, 8, 1)), *body, layers.GlobalAveragePooling2D(),
                              layers.Dense(3, "softmax")])  # fmt: skip
    first = model.layers[0].layers[0] if nested else model.layers[0]
    first.trainable = not frozen
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("nested", (False, True))
def test_what_is_measured_goes_by_all_that_changes_its_time(nested):
    x = np.zeros((5, 8, 8, 1), np.float32)
    key = measurement_key(small(nested=nested), x)
    assert measurement_key(small(nested=nested), x) == key  # though Keras has counted names up
    assert measurement_key(small(nested=nested, strides=4), x) != key
    assert measurement_key(small(nested=nested, frozen=True), x) != key
    assert measurement_key(small(nested=nested), x.astype(np.uint8)) != key


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("minigooglenet", "squeezenet")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ("minivggnet", "resnet20", *SLOW))
def test_a_network_that_is_built_twice_is_measured_once(name):
    networks = [zoo.build(name, **zoo.entry(name).published[0][0]) for _ in range(2)]
    for model in networks:
        model.compile("sgd", "sparse_categorical_crossentropy")
    first, second = (measurement_key(model, np.zeros((2, 32, 32, 3))) for model in networks)
    assert first == second


def test_a_smoke_run_measures_nothing(timed, data, tmp_path):
    calls = timed({1: 1.0, 8: 0.5})
    plan = plan_execution(network(), data["train"], folder=tmp_path, measure=False)
    assert (plan.steps_per_execution, plan.seconds_per_step, calls) == (1, {}, [])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a rule for TensorFlow")
def test_no_xla_on_a_cpu_whatever_the_script_says(data, tmp_path):
    model = network(jit_compile=True)
    assert not plan_execution(model, data["train"], folder=tmp_path, measure=False).jit
    assert not model.jit_compile


def test_a_plan_of_a_newer_version_is_refused(data, tmp_path):
    _files.write_json(tmp_path / PLAN, {"schema": 99})
    with pytest.raises(SightkitError, match="newer version"):
        plan_execution(network(), data["train"], folder=tmp_path)
    with pytest.raises(SightkitError, match="compiled"):
        plan_execution(keras.Sequential([keras.Input((2,))]), data["train"], folder=tmp_path)


@pytest.mark.parametrize(
    "damaged",
    (
        [],
        {},
        {"schema": "2"},
        {"schema": 2},
        {"schema": 1, "jit": False, "seconds_per_step": {}},
        {"schema": 2, "jit": False, "seconds_per_step": None},
        {"schema": 2, "jit": False, "seconds_per_step": {"one": 1}},
        {"schema": 2, "jit": False, "seconds_per_step": {}, "steps": 3},
        {"schema": 2, "jit": "no", "seconds_per_step": {}},
        {"schema": 2, "jit": False, "seconds_per_step": {}, "steps_per_execution": "8"},
    ),
)
def test_a_damaged_plan_is_named(damaged, data, tmp_path):
    _files.write_json(tmp_path / PLAN, damaged)
    with pytest.raises(SightkitError, match=r"as it was written.*plan\.json.*Delete it"):
        plan_execution(network(), data["train"], folder=tmp_path)


def train(data, output, steps, *, resume=False, stop_after=None):
    config = Config(output=output, resume=resume)
    seen = iter(range(1, 1000))

    def count(batch, logs=None):
        if next(seen) == stop_after:
            os.kill(os.getpid(), signal.SIGTERM)

    stop = keras.callbacks.LambdaCallback(on_train_batch_end=count)
    with training.Run.open(config, experiment="job") as run:
        model = network(steps_per_execution=steps)
        run.write_environment()
        training.fit(model, *data.values(), run=run, epochs=2, callbacks=[stop])
        return training.weights_sha256(model), run.path(_run_files.HISTORY).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "stops"),  # the last execution has fewer of the thirteen batches than the others
    (
        (4, (4,)),
        pytest.param(4, (1, 3), marks=pytest.mark.faults),
        pytest.param(8, (1, 3, 2), marks=pytest.mark.faults),
    ),
)
def test_steps_per_execution_change_no_bit_not_even_over_a_stop(steps, stops, data, tmp_path):
    expected = train(data, tmp_path / "one", 1)
    assert train(data, tmp_path / "whole", steps) == expected
    for after in stops:
        output = tmp_path / f"stopped-{after}"
        with pytest.raises(Interrupted, match="batches"):
            train(data, output, steps, stop_after=after)
        assert train(data, output, steps, resume=True) == expected
