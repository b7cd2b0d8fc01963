"""Surgery on pretrained networks: what learns in which phase, and what stays bit for bit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.transfer.sources import SOURCES

DATA = os.environ.get("SIGHTKIT_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SIGHTKIT_TEST_DATA is not set")
ONE_EACH = ("vgg16", "vgg19", "resnet50", "mobilenet_0.25", "mobilenetv2_0.35", "squeezenet")


@pytest.fixture
def network():
    keras.utils.set_random_seed(3)
    return zoo.Surgery((32, 32, 3), 3, base="minivggnet", hidden=(8,), pool="avg")


def learn(network, optimizer):
    """Two epochs; names of the layers whose weights have changed by a bit."""
    before = {layer.name: layer.get_weights() for layer in network.layers}
    network.compile(optimizer, "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    images = rng.normal(3, 5, (24, 32, 32, 3)).astype("float32")  # far from the averages
    network.fit(images, np.arange(24) % 3, epochs=2, batch_size=8, verbose=0)
    return {
        layer.name
        for layer in network.layers
        for old, new in zip(before[layer.name], layer.get_weights(), strict=True)
        if old.tobytes() != new.tobytes() and old.dtype == np.float32  # no seed of dropout
    }


@pytest.mark.slow
def test_in_phase_1_only_the_head_changes(network):
    transfer.freeze_body(network)
    assert learn(network, keras.optimizers.RMSprop(1e-2)) == {"head_dense1", "logits"}


@pytest.mark.slow
def test_phase_2_changes_named_layers_and_head_but_no_statistics(network):
    transfer.freeze_body(network)
    learn(network, keras.optimizers.RMSprop(1e-3))
    assert transfer.unfreeze_from(network, "block2_conv1") == [
        name
        for name in (layer.name for layer in network.layers)
        if name.startswith("block2_conv")
        and isinstance(network.get_layer(name), keras.layers.Conv2D)
    ] + [layer.name for layer in network.layers if layer.name == "dense1"]
    changed = learn(network, keras.optimizers.SGD(1e-2, momentum=0.9))
    assert {"block2_conv1", "block2_conv2", "logits"} <= changed
    normalized = {
        layer.name for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert normalized and not normalized & changed
    assert not any(name.startswith("block1") for name in changed)


def test_the_second_call_decides(network):
    transfer.unfreeze_from(network, "block1_conv1")
    transfer.unfreeze_from(network, "block2_conv1")
    assert not network.get_layer("block1_conv1").trainable
    transfer.freeze_body(network)
    assert not network.get_layer("block2_conv1").trainable


@pytest.mark.parametrize(
    ("name", "told"),
    (
        ("block2_conv9", "nearest .*block2_conv"),
        ("zzz", "inspect_model.py lists them"),
        ("logits", "a layer of its body"),
    ),
)
def test_a_layer_that_is_none_of_the_body_is_refused(name, told, network):
    transfer.freeze_body(network)
    with pytest.raises(SightkitError, match=told):
        transfer.unfreeze_from(network, name)
    assert not network.get_layer("block2_conv1").trainable


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "vgg16",
        "mobilenetv2_0.35",
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in ("inception_v3", "xception", *ONE_EACH)
            if n not in ("vgg16", "mobilenetv2_0.35")
        ),
    ],
)
def test_every_pretrained_network_has_its_last_block(name):
    source = SOURCES[name]
    with keras.StatelessScope(initialize_variables=False):
        network = zoo.Surgery((source.side, source.side, 3), 5, base=name, pool="avg")
    learning = transfer.unfreeze_from(network, source.last_block)
    body = [layer for layer in network.layers if layer.weights]
    assert 2 <= len(learning) <= len(body) / 3


@pytest.mark.parametrize("name", transfer.names())
def test_the_network_takes_the_middle_of_a_stored_photo_exactly(name):
    side, stored = SOURCES[name].side, transfer.stored_size(name)[0]
    image = np.random.default_rng(0).integers(0, 256, (stored, stored, 3)).astype(np.uint8)
    (crop,) = [
        step
        for step in transfer.preprocessing_of(name).steps
        if type(step).__name__ == "AspectAwarePreprocessor"
    ]
    edge = (stored - side) // 2
    assert (crop(image) == image[edge : edge + side, edge : edge + side]).all()


def test_a_size_is_that_of_stored_photos_chain_and_network():
    size = (64, 96)
    height, width = transfer.stored_size("squeezenet", size)
    assert (round(0.875 * height), round(0.875 * width)) == size
    image = np.zeros((height, width, 3), np.uint8)
    prepared = transfer.preprocessing_of("squeezenet", size)(image)
    network = transfer.with_new_head("squeezenet", 3, size=size, hidden=(), trained=False)
    assert network.input_shape[1:] == prepared.shape == (*size, 3)
    with pytest.raises(SightkitError, match="keeps its size"):
        transfer.stored_size("some/bundle", size)


@pytest.mark.slow
def test_a_tuned_network_comes_back_from_its_bundle(network, tmp_path):
    transfer.unfreeze_from(network, "block2_conv1")
    learn(network, keras.optimizers.SGD(1e-2))
    photo = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

    folder = training.save_bundle(
        tmp_path / "bundle",
        network,
        preprocessing=Pipeline((SimplePreprocessor(32, 32), ImageToArrayPreprocessor())),
        class_names=("a", "b", "c"),
        canary=photo,
    )
    bundle = training.load_bundle(folder)
    assert bundle.description["network"]["arguments"]["pool"] == "avg"
    expected = network.predict(photo[np.newaxis] / np.float32(255), verbose=0)
    np.testing.assert_allclose(bundle.predict([photo]), expected, atol=1e-6)


@pytest.mark.slow
@needs_data
def test_the_body_is_the_pretrained_one(tmp_path, monkeypatch):
    shutil.copytree(Path(str(DATA)) / "keras" / "models", tmp_path / "models")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(
        "keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path), raising=False
    )
    assert transfer.weights_available("squeezenet", include_top=False)
    assert not transfer.weights_available("vgg16")
    network = transfer.with_new_head("squeezenet", 3, hidden=())
    assert [layer.name for layer in network.layers[-3:]] == ["head_pool", "logits", "predictions"]
    body = transfer.pretrained("squeezenet", include_top=False).network
    images = np.random.default_rng(0).normal(0, 60, (1, 227, 227, 3)).astype("float32")
    cut = keras.Model(network.inputs[0], network.get_layer("fire9").output)
    np.testing.assert_array_equal(cut.predict_on_batch(images), body.predict_on_batch(images))


def test_photos_become_one_file_per_network_and_split(tmp_path, monkeypatch):
    from sightkit.io.sources.sample_photos import write_sample_photos

    (tmp_path / "mine").mkdir()
    write_sample_photos(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    first = transfer.photos_to_file("vgg16", Path("mine"))
    assert first.shape == (24, 256, 256, 3)
    assert transfer.photos_to_file("vgg16", Path("mine")).path == first.path
    others = {
        transfer.photos_to_file("squeezenet", Path("mine")).path,
        transfer.photos_to_file("vgg16", Path("mine"), split_seed=1).path,
    }
    (tmp_path / "mine" / "china" / "0.png").unlink()
    others.add(transfer.photos_to_file("vgg16", Path("mine")).path)
    assert len(others | {first.path}) == 4
    samples = transfer.photos_to_file("vgg16", Path("nowhere"), samples=True)
    assert samples.path.name.startswith("samples-256-")


def test_a_file_of_small_images_is_taken_and_told(write_dataset, capsys):
    path = write_dataset(shape=(8, 8, 3))
    assert transfer.photos_to_file("vgg16", path).path == path
    assert "8x8, and vgg16 wants them of 256x256" in capsys.readouterr().err
