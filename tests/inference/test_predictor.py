"""One engine, settled when it is compiled, that answers as Keras does or raises."""

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

from sightkit import _scripts, inference, zoo
from sightkit._errors import SightkitError
from sightkit.inference import engines, openvino_engine
from sightkit.inference.break_even import break_even

MANY = 10**9
COPIES = pytest.mark.parametrize("engine", ["openvino", "folded"])


@pytest.fixture
def network(shaken):
    return shaken(zoo.MiniVGGNet((8, 8, 3), 3))


@pytest.fixture(scope="module")
def by_openvino(shaken):
    """A network and its copy in OpenVINO, for tests that only ask it: converting takes 1.5 s."""
    pytest.importorskip("openvino")
    network = shaken(zoo.MiniVGGNet((8, 8, 3), 3))
    return network, inference.compile(network, engine="openvino", batch_size=8)


@pytest.fixture
def made_by(request):
    """Compile for an engine, or skip where it is not installed."""

    def make(network, engine, **options):
        if engine == "openvino":
            pytest.importorskip("openvino")
        return inference.compile(network, engine=engine, **options)

    return make


def train_on(network, images):
    network.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    network.fit(images, np.arange(len(images)) % 3, verbose=0)


def test_engine_is_settled_by_the_number_of_images(network, images_for, without_openvino):
    images = images_for(network)
    expected = network.predict_on_batch(images)
    point = break_even(network)
    for count, engine in ((None, "keras"), (point - 1, "keras"), (point, "folded")):
        predict = inference.compile(network, images=count)
        assert (predict.engine, predict.precision, predict.batch_size) == (engine, "float32", 256)
        for _ in range(3):  # and not by what it is called with
            np.testing.assert_allclose(predict(images), expected, atol=1e-5)
            assert predict.engine == engine


@pytest.mark.slow
def test_break_even_is_a_function_of_the_network_alone():
    def build(name):
        with keras.StatelessScope(initialize_variables=False):  # shapes are enough
            return zoo.build(name, **zoo.entry(name).published[0][0])

    network = build("mobilenetv2_0.35")
    assert break_even(network) == break_even(network)
    assert 1000 < break_even(network) < 3000  # measured: 2.4 s / 1.4 ms
    assert break_even(build("lenet")) == np.inf


def test_break_even_counts_networks_inside_networks(shaken):
    inner = zoo.MiniVGGNet((8, 8, 3), 3)
    inputs = keras.Input((8, 8, 3))
    assert 0 < break_even(keras.Model(inputs, inner(inputs))) < np.inf


@pytest.mark.slow
@COPIES
def test_same_calls_give_the_same_bits(engine, network, images_for, made_by):
    batches = [images_for(network, seed=seed) for seed in range(4)]
    first, second = (
        [predict(images) for images in batches]
        for predict in (made_by(network, engine), made_by(network, engine))
    )
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "batch_size"),
    [
        ("folded", 3),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (("folded", 256), ("openvino", 3), ("openvino", 256))
        ),
    ],
)
def test_any_number_of_images_goes_through(engine, batch_size, network, images_for, made_by):
    predict = made_by(network, engine, batch_size=batch_size)
    images = images_for(network, 11)
    expected = network.predict_on_batch(images)
    for count in (11, 1, 4, 0):
        answer = predict(images[:count])
        assert answer.dtype == np.float32 and answer.shape == (count, 3)
        np.testing.assert_allclose(answer, expected[:count], atol=1e-5)
    assert predict.engine == engine


@pytest.mark.slow
@pytest.mark.parametrize("engine", [pytest.param("openvino", marks=pytest.mark.slow), "folded"])
def test_copy_answers_as_before_when_its_network_is_trained(engine, network, images_for, made_by):
    images = images_for(network, 16)
    predict = made_by(network, engine, examples=images)
    before = predict(images)
    train_on(network, images)
    assert np.abs(network.predict_on_batch(images) - before).max() > 1e-3
    np.testing.assert_array_equal(predict(images), before)
    again = made_by(network, engine, examples=images)
    np.testing.assert_allclose(again(images), network.predict_on_batch(images), atol=1e-5)


@pytest.mark.slow
def test_keras_answers_with_the_network_as_it_is_now(network, images_for):
    images = images_for(network, 16)
    predict = inference.compile(network)
    before = predict(images)
    train_on(network, images)
    assert np.abs(predict(images) - before).max() > 1e-3
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))


def test_openvino_absent_is_warned_of_once(network, images_for, without_openvino, capsys):
    for _ in range(2):
        assert inference.compile(network, images=MANY).engine == "folded"
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "OpenVINO is not installed (extra: fast); folded answers."
    with pytest.raises(SightkitError, match=r'pip install "sightkit\[fast\]"; or.*engine="keras"'):
        inference.compile(network, engine="openvino")


def test_package_that_is_not_there_counts_as_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(openvino_engine.UnavailableError, match="not installed"):
        openvino_engine.load_openvino()


@pytest.mark.parametrize("error", ["ImportError", "RuntimeError"])
def test_package_that_is_broken_is_not_called_absent(error, tmp_path, monkeypatch):
    (tmp_path / "openvino.py").write_text(f"raise {error}('no libopenvino.so')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(openvino_engine.UnavailableError, match=rf"installed and.*{error}: no lib"):
        openvino_engine.load_openvino()


def test_unknown_version_is_not_used(network, monkeypatch, capsys):
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(openvino, "__version__", "2031.0.0-1")
    monkeypatch.setattr(_scripts, "warned", set())
    assert inference.compile(network, images=MANY).engine == "folded"
    (line,) = capsys.readouterr().err.splitlines()
    assert "2031.0.0-1" in line and "folded" in line


def test_conversion_that_fails_leaves_the_folded_network(network, images_for, monkeypatch, capsys):
    pytest.importorskip("openvino")

    def fail(*arguments, **options):
        raise RuntimeError("No rule for\nlayer X" + 300 * ".")

    monkeypatch.setattr(keras.Model, "export", fail)
    predict = inference.compile(network, images=MANY)
    np.testing.assert_allclose(
        predict(images_for(network)), network.predict_on_batch(images_for(network)), atol=1e-5
    )
    assert predict.engine == "folded"
    (line,) = capsys.readouterr().err.splitlines()
    assert "minivggnet" in line and "No rule for layer X" in line and len(line) < 300
    with pytest.raises(SightkitError, match="No rule for layer X"):
        inference.compile(network, engine="openvino")


def test_nothing_that_can_be_made_leaves_keras(network, images_for, monkeypatch, capsys):
    def fail(*arguments):
        raise RuntimeError("no")

    for name in engines.MAKERS:
        monkeypatch.setitem(engines.MAKERS, name, fail)
    predict = inference.compile(network, images=MANY)
    images = images_for(network)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert predict.engine == "keras"
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda outputs, images: outputs + 0.002, "differs from Keras'"),
        (lambda outputs, images: outputs[:, :2], "Keras' is"),
        (lambda outputs, images: np.where(outputs == outputs.max(), np.nan, outputs), "NaN"),
        (lambda outputs, images: outputs + 0.1 * (images[:, 0, 0, :1] == 2), "differs"),
    ],
)
def test_engine_that_disagrees_is_not_used(wrong, reason, network, images_for, stand_in, capsys):
    stand_in(wrong)
    images = images_for(network)
    images[3, 0, 0, 0] = 2
    predict = inference.compile(network, images=MANY, examples=images)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert predict.engine == "keras"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("minivggnet: openvino is not used: ") and reason in line
    assert line.endswith("; keras answers.")
    with pytest.raises(SightkitError, match=f'(?s)requested by name.*{reason}.*engine="keras"'):
        inference.compile(network, engine="openvino", examples=images)
    assert capsys.readouterr().err == ""


def test_engine_is_compared_in_all_its_ways(network, images_for, stand_in, capsys):
    stand_in(lambda outputs, images: outputs + (0.1 if len(images) >= 12 else 0), at_once=12)
    assert inference.compile(network, images=MANY).engine == "keras"
    assert "differs from Keras'" in capsys.readouterr().err


def test_fewer_than_eight_examples_are_followed_by_noise(network, images_for, stand_in):
    seen = []
    stand_in(lambda outputs, images: seen.append(images) or outputs)
    images = images_for(network, 30)
    for given, count in ((None, 8), (images[:1], 9), (images[:7], 15), (images, 8)):
        seen.clear()
        inference.compile(network, engine="openvino", examples=given)
        (compared,) = seen
        assert len(compared) == count
    np.testing.assert_array_equal(compared[[0, -1]], images[[0, -1]])


@pytest.mark.parametrize("reason", ["NaN", "no memory"])
def test_engine_that_fails_later_raises(reason, network, images_for, stand_in):
    def fail(outputs, images):
        if images[0, 0, 0, 0] == 2:
            if reason == "NaN":
                return np.full_like(outputs, np.nan)
            raise MemoryError(reason)
        return outputs

    stand_in(fail)
    images = images_for(network)
    predict = inference.compile(network, images=MANY, examples=images)
    expected = predict(images)
    bad = images.copy()
    bad[0, 0, 0, 0] = 2
    for _ in range(2):
        with pytest.raises(SightkitError, match=rf"no other engine.*{reason}.*engine=\W?keras"):
            predict(bad)
        np.testing.assert_array_equal(predict(images), expected)
    assert np.isfinite(inference.compile(network, engine="keras")(bad)).all()


def test_nan_of_keras_itself_is_passed_on(images_for):
    network = zoo.MLP((4, 4, 1), 3, hidden=(5,), activation="sigmoid")
    images = images_for(network)
    images[3] = np.nan
    assert np.isnan(inference.compile(network)(images)[3]).all()


@pytest.mark.parametrize("engine", ["keras", "folded"])
def test_images_of_a_wrong_shape_are_refused(engine, network):
    predict = inference.compile(network, engine=engine)
    with pytest.raises(SightkitError, match=r"\(2, 12, 12, 3\)"):
        predict(np.zeros((2, 12, 12, 3), np.float32))
    with pytest.raises(SightkitError, match=r"\(8, 8, 3\).*image\[None\]"):
        predict(np.zeros((8, 8, 3), np.float32))
    for wrong in ("a path", [[1, 2]], None):
        with pytest.raises(SightkitError, match="must have the shape"):
            predict(wrong)


@pytest.mark.slow
@COPIES
def test_compile_leaves_the_network_as_it_was(engine, network, made_by):
    network.compile("adam", "sparse_categorical_crossentropy")
    state = [keras.ops.convert_to_numpy(variable) for variable in network.variables]
    made_by(network, engine)
    for variable, before in zip(network.variables, state, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), before)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    ["openvino", *(pytest.param(name, marks=pytest.mark.slow) for name in ("keras", "folded"))],
)
def test_several_threads_call_one_predictor(engine, network, images_for, request):
    if engine == "openvino":
        network, predict = request.getfixturevalue("by_openvino")
    else:
        predict = inference.compile(network, engine=engine, batch_size=8)
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
    assert not wrong


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


@pytest.mark.slow
def test_openvino_takes_no_more_than_a_batch_at_once(images_for, monkeypatch):
    pytest.importorskip("openvino")
    network = zoo.ShallowNet((16, 16, 3), 3)
    engine = inference.compile(network, engine="openvino", batch_size=4)
    images = images_for(network, 30)
    taken, request = [], engine._request
    monkeypatch.setattr(
        engine, "_request", lambda count, stream: taken.append(count) or request(count, stream)
    )
    engine(images)
    assert sum(taken) == 30 and max(taken) * engine.streams <= max(4, engine.streams)


@pytest.mark.slow
def test_whole_parts_and_the_rest_give_the_same(images_for, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(openvino_engine, "PART_VALUES", 3 * 16 * 16 * 3)
    network = zoo.ShallowNet((16, 16, 3), 3)
    predict = inference.compile(network, engine="openvino")
    images = images_for(network, 41)
    expected = network.predict_on_batch(images)
    images.setflags(write=False)
    for count in (1, 2, 3, 5, 6, 7, 8, 41):
        np.testing.assert_allclose(predict(images[:count]), expected[:count], atol=1e-5)
    assert set(predict._compiled) == {0, 3}


@pytest.mark.slow
def test_any_height_and_width_go_through_openvino(shaken):
    pytest.importorskip("openvino")
    x = keras.Input((None, None, 3))
    maps = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x))
    network = shaken(keras.Model(x, maps))
    predict = inference.compile(network, engine="openvino")
    for side in (8, 12):
        images = np.random.default_rng(side).random((5, side, side, 3), dtype="float32")
        np.testing.assert_allclose(predict(images), network.predict_on_batch(images), atol=1e-5)


@pytest.mark.slow
def test_openvino_holds_no_images_once_it_has_answered(by_openvino, images_for):
    network, predict = by_openvino
    images = images_for(network, 40)
    held = weakref.ref(images)
    predict(images)
    del images
    gc.collect()
    assert held() is None


def test_openvino_is_given_the_precision(by_openvino):
    _, predict = by_openvino
    assert predict._compiled
    for compiled in predict._compiled.values():
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
signal.signal(signal.SIGINT, lambda *details: print("handled"))
network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
held = [inference.compile(network, engine="openvino")]
held[0](np.ones((9, 8, 8, 3), "float32"))
for last_user in (held.clear, gc.collect):
    thread = threading.Thread(target=last_user)
    thread.start()
    thread.join()
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.faults
def test_ctrl_c_works_after_another_thread_released_the_engine():
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
        (lambda: zoo.LeNet((8, 8, 1), 3), {"images": 0}, "images is a number.*at least one"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"images": np.zeros((2, 8, 8, 1))}, "a number"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"engine": "fastest"}, "auto, keras, openvino, folded"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"examples": np.zeros((0, 8, 8, 1))}, "at least one"),
        (lambda: zoo.LeNet((8, 8, 1), 3), {"examples": np.zeros((2, 8, 8, 3))}, "shape"),
        (lambda: object(), {}, r"bundle\.network"),
        (lambda: keras.Sequential([layers.Dense(3)]), {}, r"built.*keras\.Input"),
        (
            lambda: keras.Model(x := keras.Input((4,)), [layers.Dense(2)(x), layers.Dense(3)(x)]),
            {},
            "one output",
        ),
    ],
)
def test_what_cannot_be_compiled_is_refused_at_once(network, options, message):
    with pytest.raises(SightkitError, match=message):
        inference.compile(network(), **options)


def test_a_network_that_computes_in_bfloat16_answers_by_itself(images_for, capsys):
    with keras.device("cpu"):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            network = zoo.LeNet((8, 8, 1), 3)
        finally:
            keras.config.set_dtype_policy("float32")
    predict = inference.compile(network, images=MANY)
    images = images_for(network)
    np.testing.assert_array_equal(predict(images), network.predict_on_batch(images))
    assert (predict.engine, predict.precision) == ("keras", "bfloat16")
    assert capsys.readouterr().err == ""
    with pytest.raises(SightkitError, match="computes in float32"):
        inference.compile(network, engine="folded")


def test_importing_inference_imports_neither_keras_nor_openvino():
    program = (
        "import sys, sightkit.inference\n"
        "assert not {'keras', 'tensorflow', 'jax', 'openvino'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
