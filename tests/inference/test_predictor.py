"""Keras for a few images, an engine for many, and never an engine that says something else."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import tracemalloc
import weakref

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import inference, zoo
from sightkit._errors import SightkitError
from sightkit.inference import openvino_engine, predictor, starting, telling


@pytest.fixture
def network(shaken):
    return shaken(zoo.MiniVGGNet((8, 8, 3), 3))


@pytest.fixture
def without_openvino(monkeypatch):
    def absent():
        raise openvino_engine.UnavailableError("OpenVINO is not installed (extra: fast)")

    monkeypatch.setattr(starting, "load_openvino", absent)
    monkeypatch.setattr(telling, "_told", set())


@pytest.fixture
def stand_in(monkeypatch, at_once):
    """Put an engine of the test's own in OpenVINO's place."""

    class StandIn:
        name = "stand-in"
        at_once = 1

        def __init__(self, by_keras, answer):
            self.by_keras, self.answer, self.asked = by_keras, answer, []

        def __call__(self, images):
            self.asked.append(images)
            return self.answer(self.by_keras(images), images)

    def put(answer):
        made = []

        def make(by_keras, precision, cache):
            made.append(StandIn(by_keras, answer))
            return made[-1]

        monkeypatch.setattr(starting, "ENGINES", ((make, "", ""),))
        return made

    return put


def test_a_few_images_are_answered_by_keras_and_many_by_an_engine(
    network, images_for, monkeypatch, without_openvino, capsys
):
    monkeypatch.setattr(predictor, "turning_point", lambda network, precision: 12)
    predict = inference.compile(network)
    images = images_for(network)
    expected = network.predict_on_batch(images)
    for _ in range(2):  # 10 images
        np.testing.assert_array_equal(predict(images), expected)
        assert (predict.engine, predict.precision) == ("keras", "float32")
    assert capsys.readouterr().err == ""
    np.testing.assert_allclose(predict(images), expected, atol=1e-5)
    assert (predict.engine, predict.precision) == ("folded", "float32")


def test_the_turning_point_is_a_function_of_the_network_alone():
    def point(name):
        with keras.StatelessScope(initialize_variables=False):  # shapes are enough
            network = zoo.build(name, **zoo.entry(name).published[0][0])
        return inference.compile(network).turning_point

    assert point("mobilenetv2_0.35") == point("mobilenetv2_0.35")
    assert 1000 < point("mobilenetv2_0.35") < 3000  # measured: 2.4 s / 1.4 ms
    assert point("lenet") == np.inf


def test_networks_inside_networks_count(shaken):
    inner = zoo.MiniVGGNet((8, 8, 3), 3)
    inputs = keras.Input((8, 8, 3))
    outer = inference.compile(keras.Model(inputs, inner(inputs)))
    assert 0 < outer.turning_point < np.inf


def test_the_same_calls_give_the_same_bits(network, images_for, monkeypatch):
    monkeypatch.setattr(predictor, "turning_point", lambda network, precision: 7)
    batches = [images_for(network, seed=seed) for seed in range(4)]
    first, second = (
        [predict(images) for images in batches]
        for predict in (inference.compile(network), inference.compile(network))
    )
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("engine", ["openvino", "folded"])
@pytest.mark.parametrize("batch_size", [3, 256])
def test_any_number_of_images_goes_through_any_batch_size(
    engine, batch_size, network, images_for, at_once, request
):
    if engine == "folded":
        request.getfixturevalue("without_openvino")
    else:
        pytest.importorskip("openvino")
    predict = inference.compile(network, batch_size=batch_size)
    images = images_for(network, 11)
    expected = network.predict_on_batch(images)
    for count in (11, 1, 4, 0):
        answer = predict(images[:count])
        assert answer.dtype == np.float32 and answer.shape == (count, 3)
        np.testing.assert_allclose(answer, expected[:count], atol=1e-5)
    assert predict.engine == engine


def test_start_begins_at_once(network, images_for, without_openvino):
    predict = inference.compile(network)
    assert predict.start(images_for(network)) == predict.engine == "folded"
    network.layers[-2].trainable_weights[1].assign([3.0, 0.0, -3.0])
    assert predict.start(images_for(network)) == "folded"
    expected = network.predict_on_batch(images_for(network))
    np.testing.assert_allclose(predict(images_for(network)), expected, atol=1e-5)
    with pytest.raises(SightkitError, match="at least one"):
        predict.start(images_for(network, 0))


def test_openvino_absent_is_told_once_and_the_folded_network_answers(
    network, images_for, at_once, without_openvino, capsys
):
    for _ in range(2):
        predict = inference.compile(network)
        predict(images_for(network))
        assert predict.engine == "folded"
    (line,) = capsys.readouterr().err.splitlines()
    assert "OpenVINO is not installed" in line and "folded" in line


def test_a_package_that_is_not_there_counts_as_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(openvino_engine.UnavailableError, match="not installed"):
        openvino_engine.load_openvino()


@pytest.mark.parametrize("error", ["ImportError", "RuntimeError"])
def test_a_package_that_is_broken_is_not_called_absent(error, tmp_path, monkeypatch):
    (tmp_path / "openvino.py").write_text(f"raise {error}('no libopenvino.so')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(openvino_engine.UnavailableError, match=rf"installed and.*{error}: no lib"):
        openvino_engine.load_openvino()


def test_an_unknown_version_is_not_used(network, images_for, at_once, monkeypatch, capsys):
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(openvino, "__version__", "2031.0.0-1")
    monkeypatch.setattr(telling, "_told", set())
    predict = inference.compile(network)
    predict(images_for(network))
    assert predict.engine == "folded"
    (line,) = capsys.readouterr().err.splitlines()
    assert "2031.0.0-1" in line and "folded" in line


def test_a_conversion_that_fails_is_told_and_the_folded_network_answers(
    network, images_for, at_once, monkeypatch, capsys
):
    pytest.importorskip("openvino")

    def fail(*arguments, **options):
        raise RuntimeError("No rule for\nlayer X" + 300 * ".")

    monkeypatch.setattr(keras.Model, "export", fail)
    predict = inference.compile(network)
    np.testing.assert_allclose(
        predict(images_for(network)), network.predict_on_batch(images_for(network)), atol=1e-5
    )
    assert predict.engine == "folded"
    (line,) = capsys.readouterr().err.splitlines()
    assert "minivggnet" in line and "No rule for layer X" in line and len(line) < 300


def test_nothing_that_can_be_made_leaves_keras(network, images_for, at_once, monkeypatch, capsys):
    def fail(*arguments):
        raise RuntimeError("no")

    monkeypatch.setattr(starting, "load_openvino", fail)
    monkeypatch.setattr(starting, "fold", fail)
    predict = inference.compile(network)
    images = images_for(network)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert predict.engine == "keras"
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda outputs, images: outputs + 0.002, "differs from Keras'"),
        (lambda outputs, images: outputs[:, :2], "(5, 2)"),
        (lambda outputs, images: np.where(outputs == outputs.max(), np.nan, outputs), "NaN"),
    ],
)
def test_an_engine_that_says_something_else_is_not_used(
    wrong, reason, network, images_for, stand_in, capsys
):
    stand_in(wrong)
    predict = inference.compile(network)
    images = images_for(network)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert predict.engine == "keras"
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line and "stand-in" in line
    predict(images)
    assert capsys.readouterr().err == ""


def test_nan_in_a_later_batch_is_refused(network, images_for, stand_in, capsys):
    stand_in(lambda outputs, images: np.where(images[:, 0, 0, :1] > 2, np.nan, outputs))
    predict = inference.compile(network)
    images = images_for(network)
    predict(images)
    assert predict.engine == "stand-in"
    images[3] = 3
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert predict.engine == "keras"
    (line,) = capsys.readouterr().err.splitlines()
    assert "NaN" in line


def test_nan_that_keras_has_too_is_passed_on(images_for, stand_in, capsys):
    stand_in(lambda outputs, images: outputs)
    network = zoo.MLP((4, 4, 1), 3, hidden=(5,), activation="sigmoid")
    predict = inference.compile(network)
    images = images_for(network)
    predict(images)
    images[3] = np.nan
    assert np.isnan(predict(images)[3]).all()
    assert predict.engine == "stand-in" and capsys.readouterr().err == ""


def test_an_engine_that_fails_later_is_given_up(network, images_for, stand_in, capsys):
    def fail(outputs, images):
        if len(images) == 4:
            raise MemoryError("no memory")
        return outputs

    stand_in(fail)
    predict = inference.compile(network)
    images = images_for(network)
    predict(images)
    np.testing.assert_array_equal(predict(images[:4]), network.predict_on_batch(images[:4]))
    assert predict.engine == "keras"
    assert "no memory" in capsys.readouterr().err


def test_images_of_a_wrong_shape_raise_and_change_nothing(network, images_for, at_once):
    predict = inference.compile(network)
    predict(images_for(network))
    engine = predict.engine
    assert engine != "keras"
    with pytest.raises(SightkitError, match=r"\(2, 12, 12, 3\)"):
        predict(np.zeros((2, 12, 12, 3), np.float32))
    with pytest.raises(SightkitError, match=r"\(8, 8, 3\).*image\[None\]"):
        predict(np.zeros((8, 8, 3), np.float32))
    for wrong in ("a path", [[1, 2]], None):
        with pytest.raises(SightkitError, match="must have the shape"):
            predict.start(wrong)
    assert predict.engine == engine


def test_after_more_training_the_answers_are_the_new_ones(network, images_for, at_once):
    predict = inference.compile(network)
    images = images_for(network, 16)
    before = predict(images)
    network.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    network.fit(images, np.arange(16) % 3, verbose=0)
    after = predict(images)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, network.predict_on_batch(images), atol=1e-5)
    network.layers[-2].trainable_weights[1].assign([3.0, 0.0, -3.0])  # the logits' bias alone
    np.testing.assert_allclose(predict(images), network.predict_on_batch(images), atol=1e-5)


def test_starting_leaves_the_network_as_it_was(network, images_for, at_once):
    network.compile("adam", "sparse_categorical_crossentropy")
    state = [keras.ops.convert_to_numpy(variable) for variable in network.variables]
    inference.compile(network)(images_for(network))
    for variable, before in zip(network.variables, state, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), before)


@pytest.mark.parametrize("engine", ["keras", "openvino", "folded"])
def test_several_threads_ask_one_predictor(engine, network, images_for, monkeypatch, request):
    if engine == "folded":
        request.getfixturevalue("without_openvino")
    if engine == "openvino":
        pytest.importorskip("openvino")
    predict = inference.compile(network, batch_size=8)
    if engine != "keras":
        monkeypatch.setattr(predict, "turning_point", 1)
    batches = [images_for(network, 3 + 5 * k, seed=k) for k in range(6)]
    expected = [network.predict_on_batch(images) for images in batches]
    wrong = []

    def ask(k):
        for _ in range(10):
            try:
                np.testing.assert_allclose(predict(batches[k]), expected[k], atol=1e-5)
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and predict.engine == engine


def test_memory_is_bounded_by_the_batch(images_for, monkeypatch):
    network = zoo.ShallowNet((16, 16, 3), 3)
    predict = inference.compile(network, batch_size=4)
    seen = []
    predict_on_batch = network.predict_on_batch
    monkeypatch.setattr(
        network, "predict_on_batch", lambda x: seen.append(len(x)) or predict_on_batch(x)
    )
    images = np.broadcast_to(images_for(network, 1), (2000, 16, 16, 3))
    predict(images[:8])
    tracemalloc.start()
    answer = predict(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(seen) == 4 and len(answer) == 2000
    assert peak < images.nbytes / 4


def test_openvino_takes_no_more_than_a_batch_at_once(images_for, at_once, monkeypatch):
    pytest.importorskip("openvino")
    predict = inference.compile(zoo.ShallowNet((16, 16, 3), 3), batch_size=4)
    images = images_for(predict.network, 30)
    predict(images)
    engine = predict._engine
    taken, request = [], engine._request
    monkeypatch.setattr(
        engine, "_request", lambda count, stream: taken.append(count) or request(count, stream)
    )
    predict(images)
    assert sum(taken) == 30 and max(taken) * engine.streams <= max(4, engine.streams)


def test_whole_parts_and_the_rest_give_the_same(images_for, at_once, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(openvino_engine, "PART_VALUES", 3 * 16 * 16 * 3)
    predict = inference.compile(zoo.ShallowNet((16, 16, 3), 3))
    images = images_for(predict.network, 41)
    expected = predict.network.predict_on_batch(images)
    images.setflags(write=False)
    for count in (1, 2, 3, 5, 6, 7, 8, 41):
        np.testing.assert_allclose(predict(images[:count]), expected[:count], atol=1e-5)
    assert predict.engine == "openvino" and set(predict._engine._compiled) == {0, 3}


def test_any_height_and_width_go_through_openvino(shaken, at_once):
    pytest.importorskip("openvino")
    x = keras.Input((None, None, 3))
    maps = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x))
    predict = inference.compile(shaken(keras.Model(x, maps)))
    for side in (8, 12):
        images = np.random.default_rng(side).random((5, side, side, 3), dtype="float32")
        np.testing.assert_allclose(
            predict(images), predict.network.predict_on_batch(images), atol=1e-5
        )
    assert predict.engine == "openvino"


def test_openvino_holds_no_images_once_it_has_answered(network, images_for, at_once):
    pytest.importorskip("openvino")
    predict = inference.compile(network)
    predict(images_for(network))
    images = images_for(network, 40)
    held = weakref.ref(images)
    predict(images)
    del images
    gc.collect()
    assert predict.engine == "openvino" and held() is None


def test_an_engine_is_held_against_keras_in_all_its_ways(network, images_for, monkeypatch, capsys):
    class Engine:
        name = "stand-in"
        at_once = 12

        def __init__(self, by_keras):
            self.by_keras = by_keras

        def __call__(self, images):  # wrong for whole parts alone
            return self.by_keras(images) + (0.1 if len(images) >= 12 else 0)

    engines = ((lambda by_keras, precision, cache: Engine(by_keras), "", ""),)
    monkeypatch.setattr(starting, "ENGINES", engines)
    predict = inference.compile(network)
    assert predict.start(images_for(network, 3)) == "keras"
    assert "differs from Keras'" in capsys.readouterr().err


def test_openvino_is_told_the_precision(network, images_for, at_once):
    pytest.importorskip("openvino")
    predict = inference.compile(network)
    predict(images_for(network))
    for compiled in predict._engine._compiled.values():
        assert compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"


def test_importing_openvino_reports_nothing_over_the_network():
    pytest.importorskip("openvino")
    program = (
        "import sys\n"
        "from sightkit.inference.openvino_engine import load_openvino\n"
        "load_openvino()\n"
        "assert 'openvino_telemetry' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


SIGNALLED = """
import gc, os, signal, threading
import keras, numpy as np
from sightkit import inference
from sightkit.inference import predictor
predictor.turning_point = lambda network, precision: 1
signal.signal(signal.SIGINT, lambda *details: print("handled"))
network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
held = [inference.compile(network)]
held[0](np.ones((9, 8, 8, 3), "float32"))
assert held[0].engine == "openvino"
for last_user in (held.clear, gc.collect):
    thread = threading.Thread(target=last_user)
    thread.start()
    thread.join()
os.kill(os.getpid(), signal.SIGINT)
"""


def test_ctrl_c_is_heard_after_another_thread_let_go_of_the_engine():
    pytest.importorskip("openvino")
    result = subprocess.run(
        [sys.executable, "-c", SIGNALLED], capture_output=True, text=True, timeout=300, check=False
    )
    assert (result.returncode, result.stdout) == (0, "handled\n"), result.stderr


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (lambda: zoo.LeNet((8, 8, 1), 3), {"precision": "float16"}, "float16"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"batch_size": 0}, "at least one"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"batch_size": 2.5}, r"at least one.*2\.5"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"cache": 5}, "folder's path"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"real_images": np.zeros((2, 8, 8, 1))}, "a name and"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"real_images": ("none", np.zeros((0, 8, 8, 1)))}, "one"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"real_images": ("x", np.zeros((2, 8, 8, 3)))}, "shape"),
        (lambda: object(), {}, r"bundle\.network"),
        (lambda: keras.Sequential([layers.Dense(3)]), {}, r"built.*keras\.Input"),
        (
            lambda: keras.Model(x := keras.Input((4,)), [layers.Dense(2)(x), layers.Dense(3)(x)]),
            {},
            "one output",
        ),
    ],
)
def test_what_cannot_be_compiled_is_said_at_once(network, options, message):
    with pytest.raises(SightkitError, match=message):
        inference.compile(network(), **options)


def test_a_network_that_computes_in_bfloat16_answers_by_itself(images_for, at_once, capsys):
    with keras.device("cpu"):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            network = zoo.LeNet((8, 8, 1), 3)
        finally:
            keras.config.set_dtype_policy("float32")
    predict = inference.compile(network)
    images = images_for(network)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert (predict.engine, predict.precision) == ("keras", "bfloat16")
    assert capsys.readouterr().err == ""
