"""One's own Keras network, in memory, .keras or .h5, is a bundle that answers as it does."""

from __future__ import annotations

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from sightkit import _scripts, training, zoo
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)
from sightkit.training import load_bundle, read_network, save_bundle
from sightkit.training.bundle_format import digest
from sightkit.zoo.weights import finalize

SIDE, SHAPE = 12, (12, 12, 3)
ABC = ("ant", "bee", "cat")


def images():
    return keras.Input(SHAPE)


def ended(x, units=3, activation=None):
    return layers.Dense(units, activation=activation)(layers.GlobalAveragePooling2D()(x))


def functional(build):
    x = images()
    return keras.Model(x, build(x))


def built_by_data():
    network = keras.Sequential(
        [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    )
    network(np.zeros((2, *SHAPE), "float32"))
    return network


def tutorial():
    return keras.Sequential(
        [keras.Input(SHAPE[:2]), layers.Flatten(), layers.Dropout(0.2), layers.Dense(3)]
    )


def flat():
    return keras.Sequential([keras.Input((SIDE * SIDE,)), layers.Dense(3, activation="softmax")])


def branches():
    def build(x):
        a = layers.Conv2D(4, 3, padding="same", activation="gelu")(x)
        b = layers.Conv2D(4, 1, kernel_regularizer="l2", kernel_constraint="max_norm")(x)
        return ended(layers.Concatenate()([layers.Add()([a, b]), a]), activation="softmax")

    return functional(build)


def with_preprocessing():
    def build(x):
        x = layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(x))
        x = layers.Rescaling(1 / 127.5, offset=-1)(x)
        x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x)
        return ended(layers.Conv2D(4, 3)(x), 1, "sigmoid")

    return functional(build)


def adapted():
    norm = layers.Normalization()
    norm.adapt(np.random.default_rng(0).random((4, *SHAPE)))
    return keras.Sequential([images(), norm, layers.Flatten(), layers.Dense(1)])


def nested():
    base = keras.Sequential(
        [images(), layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization()], name="base"
    )
    base.trainable = False
    return functional(lambda x: ended(layers.Conv2D(4, 3, name="conv")(base(x, training=False))))


def twice_nested():
    inner = functional(layers.Conv2D(4, 3))
    outer = keras.Sequential([inner, layers.ReLU(), layers.Flatten()])
    return keras.Sequential([images(), outer, layers.Dense(3, activation="softmax")])


def shared():
    encoder = keras.Sequential([images(), layers.Flatten(), layers.Dense(4)])
    twice = layers.Dense(3)

    def build(x):
        both = layers.Concatenate()([encoder(x), encoder(layers.Rescaling(0.5)(x))])
        return twice(twice(layers.Dense(3)(both)))

    return functional(build)


def operators():
    def build(x):
        y = layers.Conv2D(3, 1)(x) + x
        return ended((1 - y * 0.5 - x + 3.0) * (1 / 6))

    return functional(build)


def mixed(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        x = images()
        y = ended(layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))
        return keras.Model(x, layers.Activation("softmax", dtype="float32")(y))
    finally:
        keras.config.set_dtype_policy(before)


def mixed_bfloat16():
    return mixed("mixed_bfloat16")


def mixed_float16():
    return mixed("mixed_float16")


def double():
    return mixed("float64")


def recurrent():
    rows = keras.Input(SHAPE[:2])
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(rows)
    return keras.Model(
        rows, layers.Dense(3)(layers.GRU(4)(layers.TimeDistributed(layers.Dense(3))(x)))
    )


def attention():
    def build(x):
        x = layers.Reshape((9, 8))(layers.Conv2D(8, 4, 4)(x))
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(y, y)])
        return layers.Dense(3)(layers.GlobalAveragePooling1D()(x))

    return functional(build)


def rare_layers():
    def build(x):
        x = layers.PReLU(shared_axes=[1, 2])(layers.SeparableConv2D(4, 3)(x))
        x = layers.SpectralNormalization(layers.Conv2D(4, 3))(layers.DepthwiseConv2D(3)(x))
        return ended(layers.GroupNormalization(2)(x))

    return functional(build)


def any_size():
    x = keras.Input((None, None, 3))
    return keras.Model(x, ended(layers.Conv2D(4, 3)(x)))


def fixed_batch():
    x = keras.Input(batch_shape=(4, *SHAPE))
    return keras.Model(x, ended(layers.Conv2D(4, 3)(x)))


def one_sigmoid_of_the_zoo():
    return zoo.MiniVGGNet(SHAPE, 2, end="sigmoid")


def on_top_of_the_zoo():
    base = zoo.MiniVGGNet(SHAPE, 5)
    return keras.Model(base.inputs[0], layers.Dense(3)(base.get_layer("dense1").output))


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.dense = layers.Flatten(), layers.Dense(3)

    def call(self, x):
        return self.dense(self.flat(x))


def called_out():
    return functional(Net().call)


def dictionaries():
    x = keras.Input(SHAPE, name="image")
    return keras.Model({"image": x}, {"classes": ended(layers.Conv2D(4, 3)(x))})


def low_rank():
    network = tutorial()
    network.layers[-1].enable_lora(2)
    return network


NETWORKS = (
    dictionaries,
    low_rank,
    built_by_data,
    tutorial,
    flat,
    branches,
    with_preprocessing,
    adapted,
    nested,
    twice_nested,
    shared,
    operators,
    attention,
    rare_layers,
    any_size,
    fixed_batch,
    one_sigmoid_of_the_zoo,
    on_top_of_the_zoo,
    called_out,
    mixed_bfloat16,
    mixed_float16,
    double,
    recurrent,
)
QUICK = {tutorial, with_preprocessing, adapted, twice_nested, shared}
"""Those that are read from files too in the quick tests; all others in make test-all."""
FORMS = [
    pytest.param(
        build,
        form,
        marks=()
        if build in QUICK or (form == "memory" and build != recurrent)
        else pytest.mark.slow,
    )
    for build in NETWORKS
    for form in ("memory", "keras", "h5")
]
OLD = {operators, low_rank}
"""What .h5 does not hold: Keras itself cannot read it back."""


def chain_of(network):
    grey = len(network.inputs[0].shape) < 4
    first = GrayscalePreprocessor() if grey else ColourPreprocessor()
    return Pipeline((first, SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor()))


def photo(seed):
    return np.random.default_rng(seed).integers(0, 256, (20 + seed, 30, 3), np.uint8)


def scattered(network, seed=1):
    """Statistics and biases that are not those of a new network."""
    rng = np.random.default_rng(seed)
    for variable in network.weights:
        if "float" in variable.dtype:
            variable.assign(rng.uniform(0.2, 0.9, variable.shape))
    finalize(network)
    return network


def probabilities(network, prepared):
    given = prepared.reshape(-1, *[s or SIDE for s in network.inputs[0].shape[1:]])
    raw = keras.Model(network.inputs[0], network.outputs[0])(given, training=False)
    raw = np.asarray(raw, np.float64)
    if raw.shape[1] == 1:
        if network.layers[-1].activation is keras.activations.linear:
            raw = 1 / (1 + np.exp(-raw))
        return np.concatenate([1 - raw, raw], axis=1)
    if np.abs(raw.sum(axis=1) - 1).max() < 0.02:
        return raw
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def saved_bundle(folder, network, chain, **more):
    names = ABC if network.output_shape[-1] == 3 else ABC[:2]
    more = {"canary": photo(0), "class_names": names, **more}
    return save_bundle(folder, network, preprocessing=chain, **more)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "form"), FORMS)
def test_a_bundle_answers_as_the_network_does(build, form, tmp_path):
    if form == "h5" and build in OLD:
        pytest.skip("Keras writes what it cannot read")
    network = scattered(build())
    given = network
    if form != "memory":
        network.save(tmp_path / f"network.{form}")
        given = read_network(tmp_path / f"network.{form}")
    chain = chain_of(network)
    folder = saved_bundle(tmp_path / "bundle", given, chain)
    bundle = load_bundle(folder)
    photos = [photo(seed) for seed in range(1, 5)]
    expected = probabilities(network, np.stack([chain(each) for each in photos]))
    mixed_precision = network.output_shape[-1] and any(
        "16" in layer.compute_dtype for layer in network.layers
    )
    np.testing.assert_allclose(
        bundle.predict(photos), expected, atol=0.02 if mixed_precision else 2e-5
    )
    assert bundle.description["kind"] == "keras"
    assert {layer.compute_dtype for layer in bundle.network.layers} == {"float32"}
    assert not any(isinstance(layer, keras.Model) for layer in bundle.network.layers)


def test_what_was_added_is_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_scripts, "warned", set())  # by the tests before
    saved_bundle(tmp_path / "a", tutorial(), chain_of(tutorial()))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "reshaped" in lines[0] and "softmax" in lines[1]
    saved_bundle(tmp_path / "b", with_preprocessing(), chain_of(with_preprocessing()))
    assert "second class alone" in capsys.readouterr().err
    saved_bundle(tmp_path / "c", branches(), chain_of(branches()))
    assert capsys.readouterr().err == ""


def test_a_regression_is_no_classifier(tmp_path):
    network = zoo.MLP(SHAPE, 2, hidden=(), end="linear")
    with pytest.raises(SightkitError, match=r"regresses.*save_regressor"):
        saved_bundle(tmp_path / "bundle", network, chain_of(network))


class Mine(layers.Layer):
    def call(self, x):
        return x * 2


def hidden_lambda():
    rows = keras.Input(SHAPE[:2])
    doubled = layers.Lambda(lambda x: x * 2, output_shape=(SIDE,), name="doubled")
    return keras.Model(
        rows, layers.Dense(3)(layers.Flatten()(layers.TimeDistributed(doubled)(rows)))
    )


def lambda_in_a_network():
    inner = functional(layers.Lambda(lambda x: x * 2, name="doubled"))
    return functional(lambda x: ended(inner(x)))


def subclassed():
    network = Net()
    network(np.zeros((1, *SHAPE), "float32"))
    return network


def not_a_number():
    network = flat()
    network.set_weights([w * np.nan for w in network.get_weights()])
    return network


@pytest.mark.parametrize(
    ("build", "named"),
    (
        (
            lambda: functional(lambda x: ended(layers.Lambda(lambda y: y * 2, name="doubled")(x))),
            "Lambda",
        ),
        (hidden_lambda, "Lambda"),
        (lambda_in_a_network, "Lambda"),
        (lambda: functional(lambda x: ended(Mine(name="own")(x))), "Mine"),
        (lambda: functional(lambda x: ended(layers.Conv2D(3, 1, activation=abs_)(x))), "abs_"),
        (lambda: functional(lambda x: ended(keras.ops.max(x, axis=1, keepdims=True))), "ops"),
        (subclassed, r"keras\.Model\(x, network\.call\(x\)\)"),
        (lambda: functional(lambda x: [ended(x), ended(x, 2)]), "outputs=2"),
        (lambda: keras.Sequential([layers.Flatten(), layers.Dense(3)]), "must be built"),
        (lambda: functional(lambda x: ended(x, 3, "sigmoid")), "activation='sigmoid'"),
        (lambda: functional(lambda x: ended(x, 5)), "classes=3"),
        (lambda: functional(lambda x: layers.Conv2D(3, 1)(x)), "outputs="),
        (not_a_number, "finite"),
        (
            lambda: keras.Sequential(
                [keras.Input((3, SIDE, SIDE)), layers.Flatten(), layers.Dense(3)]
            ),
            "network_takes",
        ),
        (
            lambda: keras.Sequential([keras.Input((9, 9, 3)), layers.Flatten(), layers.Dense(3)]),
            "network_takes",
        ),
    ),
)
def test_what_cannot_be_stored_is_refused_by_name(build, named, tmp_path):
    network = build()
    chain = chain_of(network if getattr(network, "inputs", None) else nested())
    with pytest.raises(SightkitError, match=named):
        save_bundle(tmp_path / "b", network, preprocessing=chain, class_names=ABC, canary=photo(0))
    assert not (tmp_path / "b").exists()


def abs_(x):
    return keras.ops.abs(x)


def test_a_network_that_draws_numbers_is_refused(tmp_path):
    class Noise(layers.GaussianNoise):
        pass

    network = functional(lambda x: ended(Noise(0.1)(x)))
    with pytest.raises(SightkitError, match="Noise"):
        saved_bundle(tmp_path / "b", network, chain_of(network))


def test_the_users_folder_is_not_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"mine")
    with pytest.raises(SightkitError, match="must be new or empty"):
        saved_bundle(tmp_path / "photos", flat(), chain_of(flat()))
    with pytest.raises(SightkitError, match="folder, then the network"):
        save_bundle(
            flat(), tmp_path, preprocessing=chain_of(flat()), class_names=ABC, canary=photo(0)
        )
    assert (tmp_path / "photos" / "cat.jpg").read_bytes() == b"mine"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "bundle"
    network = scattered(nested())
    return saved_bundle(folder, network, chain_of(network))


def edited(bundle, folder, change):
    """A copy whose description was changed and signed again, as someone with bad intent would."""
    import shutil

    shutil.copytree(bundle, folder)
    description = json.loads((folder / "bundle.json").read_text())
    change(description["network"]["keras"]["config"], description)
    description.pop("sha256")
    description["sha256"] = digest(description)
    (folder / "bundle.json").write_text(json.dumps(description))
    return folder


def of(config, kind):
    return next(each for each in config["layers"] if each["class_name"] == kind)


LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}}


@pytest.mark.parametrize(
    ("change", "match"),
    (
        (lambda c, d: of(c, "Dense").update(LAMBDA), "Lambda"),
        (lambda c, d: of(c, "Dense")["config"].update(activation=LAMBDA), "Lambda"),
        (lambda c, d: of(c, "Dense").update(module="os"), "os.Dense"),
        (lambda c, d: of(c, "Dense").update(registered_name="p>Dense"), "p>Dense"),
        (lambda c, d: of(c, "Dense")["config"].update(units=10**9), "no more weights"),
        (lambda c, d: of(c, "Dense")["config"].update(units=4), "no more weights"),
        (lambda c, d: of(c, "Dense")["config"].update(use_bias=False), "only in the file"),
        (lambda c, d: of(c, "Conv2D")["config"].update(kernel_size=[1, 9]), "nothing was loaded"),
        (lambda c, d: c["layers"].pop(), "cannot build"),
        (lambda c, d: c.update(layers=[]), "cannot build"),
        (lambda c, d: c.update(output_layers=["nowhere", 0, 0]), "cannot build"),
        (lambda c, d: d.update(network={"keras": {"a": 1}}), "class_name"),
        (lambda c, d: d.update(network={"keras": []}), "network"),
        (lambda c, d: d.update(network={}), "builder"),
        (
            lambda c, d: of(c, "BatchNormalization")["config"].update(epsilon=5.0),
            "canary",
        ),
    ),
)
def test_a_hostile_description_is_refused(change, match, bundle, tmp_path):
    folder = edited(bundle, tmp_path / "copy", change)
    with pytest.raises(SightkitError, match=match):
        load_bundle(folder)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The same network as .keras and as .h5."""
    folder = tmp_path_factory.mktemp("kept")
    network = scattered(nested())
    network.save(folder / "network.keras")
    network.save(folder / "network.h5")
    return folder


def rezipped(path, target, **contents):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            given = contents.get(name.partition(".")[0].replace("model", "weights"), old.read(name))
            if given is not None:
                new.writestr(name, given)
    return target


def config_of(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("config.json"))


@pytest.mark.parametrize(
    "contents",
    (
        {"config": b""},
        {"config": b"[" * 100_000},
        {"config": b"null"},
        {"config": b'{"a": NaN}'},
        {"config": b"\xff\xfe"},
        {"config": None},
        {"weights": None},
        {"weights": b""},
        {"weights": b"no weights"},
    ),
)
def test_damaged_keras_files_are_refused(contents, kept, tmp_path):
    path = rezipped(kept / "network.keras", tmp_path / "n.keras", **contents)
    with pytest.raises(SightkitError):
        read_network(path)


def test_a_keras_file_with_code_is_refused_by_name(kept, tmp_path):
    config = config_of(kept / "network.keras")
    config["config"]["layers"][1] |= {"module": "os", "class_name": "system"}
    path = rezipped(kept / "network.keras", tmp_path / "n.keras", config=json.dumps(config))
    with pytest.raises(SightkitError, match=r"os\.system"):
        read_network(path)


def test_a_bomb_in_a_keras_file_is_refused_unread(kept, tmp_path):
    path = tmp_path / "n.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", json.dumps(config_of(kept / "network.keras")))
        file.writestr("model.weights.h5", bytes(10_000_000))
    with pytest.raises(SightkitError, match="far more bytes"):
        read_network(path)


@pytest.mark.parametrize(
    "damage", ("cut", "linked", "missing", "extra", "shape", "config", "weights")
)
def test_damaged_h5_files_are_refused(damage, kept, tmp_path):
    path = tmp_path / "n.h5"
    path.write_bytes((kept / "network.h5").read_bytes())
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    else:
        with h5py.File(path, "a") as file:
            group = file["model_weights"]
            first = group[group.attrs["layer_names"][-1]]
            if damage == "linked":
                del file["model_weights"]
                file["model_weights"] = h5py.ExternalLink(str(kept / "network.h5"), "model_weights")
            elif damage == "missing":
                first.attrs["weight_names"] = first.attrs["weight_names"][:1]
            elif damage == "extra":
                first.attrs["weight_names"] = [*first.attrs["weight_names"]] * 2
            elif damage == "shape":
                name = first.attrs["weight_names"][0]
                del first[name]
                first[name] = np.zeros((2, 2), "float32")
            elif damage == "config":
                file.attrs["model_config"] = b"{"
            else:
                del file.attrs["model_config"]
    with pytest.raises(SightkitError):
        read_network(path)


@pytest.mark.parametrize("name", ("absent.keras", "folder", "text.keras"))
def test_files_that_are_no_network_are_refused(name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(SightkitError, match="network="):
        read_network(tmp_path / name)


@pytest.mark.slow
def test_it_is_compiled_and_cached_without_keras_code_changes(bundle, tmp_path):
    first = load_bundle(bundle, cache=tmp_path / "cache")
    again = load_bundle(bundle, cache=tmp_path / "cache")
    expected = load_bundle(bundle).predict([photo(3)])
    for each in (first, again):
        np.testing.assert_allclose(each.predict([photo(3)]), expected, atol=1e-4)


def test_a_loaded_network_is_trained_on_and_saved_again(bundle, tmp_path):
    loaded = load_bundle(bundle)
    network = loaded.network
    network.compile("sgd", "sparse_categorical_crossentropy")
    network.fit(np.random.default_rng(0).random((8, *SHAPE)), np.arange(8) % 3, verbose=0)
    folder = saved_bundle(tmp_path / "again", network, loaded.preprocessing)
    assert load_bundle(folder).description["network"] == loaded.description["network"]


def test_read_network_is_public():
    assert training.read_network is read_network
