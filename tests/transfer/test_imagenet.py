"""Pretrained networks: right weights, right preprocessing, said plainly when they are not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from sightkit import io, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.transfer.imagenet import preprocessing_of
from sightkit.transfer.sources import MD5, SOURCES

DATA = os.environ.get("SIGHTKIT_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SIGHTKIT_TEST_DATA is not set")


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Keras home of this test's own, with the published weights where they are at hand."""
    home = tmp_path / "keras"
    if DATA:
        shutil.copytree(Path(DATA) / "keras" / "models", home / "models")
    else:
        (home / "models").mkdir(parents=True)
        names = {str(number): [f"n{number:08d}", f"thing_{number}"] for number in range(1000)}
        (home / "models" / "imagenet_class_index.json").write_text(json.dumps(names))
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(home), raising=False)
    monkeypatch.setattr(
        "keras.src.utils.file_utils.config.keras_home", lambda: str(home), raising=False
    )
    return home


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)


@pytest.mark.slow
@needs_data
def test_mobilenet_names_a_beagle(keras_home: Path) -> None:
    bundle = transfer.pretrained("mobilenet_0.75")
    probabilities = bundle.predict([Path(str(DATA)) / "style" / "content" / "beagle.png"])
    (best,) = bundle.top(probabilities, 5)
    assert next(iter(best)) == "beagle" and best["beagle"] > 0.85
    assert len(set(bundle.class_names)) == len(bundle.class_names) == 1000


@needs_data
@pytest.mark.slow
def test_same_weights_predict_as_keras_applications(keras_home: Path) -> None:
    bundle = transfer.pretrained("mobilenet_0.25")
    theirs = keras.applications.MobileNet(alpha=0.25, weights="imagenet")
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    x = keras.applications.mobilenet.preprocess_input(image[np.newaxis].astype(np.float32))
    expected = theirs.predict_on_batch(x)
    np.testing.assert_allclose(bundle.predictor(x), expected, atol=1e-5)


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize("name", ["mobilenetv2_0.35", "squeezenet"])
def test_features_without_the_classifier_tell_animals_apart(keras_home: Path, name: str) -> None:
    """Weights in the wrong place, or the wrong channel order, cost far more than this leaves."""
    bundle = transfer.pretrained(name, include_top=False)
    paths, labels = [], []
    for label, animal in enumerate(("cats", "dogs", "panda")):
        found = sorted((Path(str(DATA)) / "animals" / animal).glob("*.jpg"))[:24]
        paths += found
        labels += [label] * len(found)
    features = bundle.predict([str(path) for path in paths]).mean(axis=(1, 2))
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    labels = np.array(labels)
    train = np.arange(len(labels)) % 2 == 0
    centres = np.stack([features[train & (labels == k)].mean(axis=0) for k in range(3)])
    distances = ((features[~train, np.newaxis] - centres) ** 2).sum(axis=2)
    assert (distances.argmin(axis=1) == labels[~train]).mean() >= 0.85


@pytest.mark.parametrize("name", transfer.names())
def test_the_bound_preprocessing_is_the_one_of_keras(name: str) -> None:
    side = SOURCES[name].side
    image = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    steps = preprocessing_of(name).steps
    chain = [step for step in steps if type(step).__name__ != "AspectAwarePreprocessor"]
    ours = image
    for step in chain:
        ours = step(ours)
    mode = "caffe" if SOURCES[name].caffe else "tf"
    theirs = keras.applications.imagenet_utils.preprocess_input(
        image.astype(np.float32), data_format="channels_last", mode=mode
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_grey_and_colour_photos_of_any_size_fit_the_network() -> None:
    chain = preprocessing_of("vgg16")
    for shape in ((300, 200, 3), (50, 900, 1), (1, 1, 3)):
        assert chain(np.full(shape, 9, np.uint8)).shape == (224, 224, 3)


def test_an_unknown_name_lists_the_nearest_or_all() -> None:
    with pytest.raises(SightkitError, match=r"Perhaps you meant vgg16 or vgg19"):
        transfer.pretrained("vgg")
    with pytest.raises(SightkitError, match=r"Known: inception_v3, mobilenet_0\.25, .*xception"):
        transfer.pretrained("zzz")


@pytest.mark.slow
@pytest.mark.usefixtures("no_network")
def test_missing_weights_are_named_with_their_place(keras_home: Path) -> None:
    for name in ("squeezenet", "mobilenetv2_0.5"):
        file = SOURCES[name].file
        with pytest.raises(SightkitError, match=file) as caught:
            transfer.pretrained(name)
        assert str(keras_home / "models" / file) in str(caught.value)
        assert "\n" not in str(caught.value)


def write_weights(path: Path, network: keras.Model) -> None:
    """Weights as those of keras.applications are published, in the form of Keras 2."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)


@pytest.mark.slow
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "name",
    ["mobilenetv2_0.5", *(pytest.param(n, marks=pytest.mark.slow) for n in ("resnet50", "vgg16"))],
)
@pytest.mark.parametrize(
    "content",
    (
        b"<html>log in",
        *(pytest.param(c, marks=pytest.mark.slow) for c in (b"\x89HDF\r\n\x1a\n cut off", b"")),
    ),
)
def test_a_damaged_file_is_not_called_missing_and_stays(
    name: str, content: bytes, keras_home: Path
) -> None:
    """Keras knows the checksum of ResNet50's and deletes a file that is another."""
    path = keras_home / "models" / SOURCES[name].file_no_top
    path.write_bytes(content)
    with pytest.raises(SightkitError, match=r"damaged or another|must hold weights") as caught:
        transfer.pretrained(name, include_top=False)
    assert "again" in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.slow
@pytest.mark.usefixtures("no_network")
def test_weights_of_another_size_are_refused_and_stay(keras_home: Path) -> None:
    path = keras_home / "models" / SOURCES["mobilenet_0.25"].file_no_top
    shape = (224, 224, 3)
    other = keras.applications.MobileNet(shape, alpha=0.5, include_top=False, weights=None)
    write_weights(path, other)
    before = path.read_bytes()
    with pytest.raises(SightkitError, match="damaged or another one"):
        transfer.pretrained("mobilenet_0.25", include_top=False)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "published", (False, *(pytest.param(p, marks=pytest.mark.slow) for p in (True, None)))
)
def test_weights_that_the_user_put_there_are_used_and_stay(
    published: bool | None,
    keras_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Keras checks no sum where none is published; here there is one, there is another, or none."""
    path = keras_home / "models" / SOURCES["mobilenet_0.25"].file_no_top
    network = keras.applications.MobileNet(
        (224, 224, 3), alpha=0.25, include_top=False, weights=None
    )
    write_weights(path, network)
    before = path.read_bytes()
    if published is not None:
        digest = hashlib.md5(before if published else b"other").hexdigest()
        monkeypatch.setitem(MD5, path.name, digest)
    loaded = transfer.pretrained("mobilenet_0.25", include_top=False).network
    for ours, theirs in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert path.read_bytes() == before
    assert ("is not the published file" in capsys.readouterr().err) == (published is False)


@needs_data
def test_the_published_file_is_known(keras_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transfer.pretrained("squeezenet", include_top=False).network.get_weights()
    assert not capsys.readouterr().err


@needs_data
@pytest.mark.usefixtures("no_network")
@pytest.mark.slow
def test_a_keras_home_that_is_only_read_will_do(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras itself would look into a temporary folder and download."""
    before = transfer.pretrained("mobilenet_0.25").network.get_weights()
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **how: mode != os.W_OK and access(path, mode, **how)
    )
    again = transfer.pretrained("mobilenet_0.25")
    for first, second in zip(before, again.network.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert "beagle" in again.class_names


@pytest.mark.slow
@pytest.mark.usefixtures("no_network")
def test_weights_that_may_not_be_read_are_not_called_damaged(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keras_home / "models" / SOURCES["resnet50"].file).touch()
    monkeypatch.setattr(os, "access", lambda path, mode, **how: False)
    with pytest.raises(SightkitError, match=r"must be readable.*permissions"):
        transfer.pretrained("resnet50")


@pytest.mark.usefixtures("no_network")
def test_the_address_of_squeezenets_weights_is_told(keras_home: Path) -> None:
    (keras_home / "models" / SOURCES["squeezenet"].file).unlink(missing_ok=True)
    with pytest.raises(SightkitError, match="rcmalli/keras-squeezenet"):
        transfer.pretrained("squeezenet")


@pytest.mark.usefixtures("no_network")
@needs_data
def test_files_that_only_pretend_to_be_weights_are_refused(keras_home: Path) -> None:
    bad = Path(str(DATA)) / "bad"
    target = keras_home / "models" / SOURCES["squeezenet"].file_no_top
    for name in (
        "resnet50_notop_truncated_1MiB.h5",
        "resnet50_notop_lfs_pointer.h5",
        "vgg16_notop_text_stub.h5",
    ):
        shutil.copy(bad / name, target)
        with pytest.raises(SightkitError, match="must hold weights") as caught:
            transfer.pretrained("squeezenet", include_top=False)
        assert str(target) in str(caught.value)


@pytest.mark.usefixtures("no_network")
@needs_data
def test_weights_of_another_network_are_refused_layer_by_layer(keras_home: Path) -> None:
    models = keras_home / "models"
    shutil.copy(models / SOURCES["squeezenet"].file_no_top, models / SOURCES["squeezenet"].file)
    with pytest.raises(SightkitError, match=r"conv10.*nothing in the file"):
        transfer.pretrained("squeezenet")


def test_a_photo_file_reads_the_same_as_its_array(tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 256, (40, 60, 3), np.uint8)
    io.write_png(tmp_path / "a.png", image)
    chain = preprocessing_of("mobilenet_0.75")
    np.testing.assert_array_equal(chain(image), chain(io.read_image(tmp_path / "a.png")))


@needs_data
def test_an_unknown_layer_is_refused_before_weights_are_fetched(keras_home: Path) -> None:
    with pytest.raises(SightkitError, match=r"Received: .*layer='fire99'"):
        transfer.open_network("squeezenet", layer="fire99")


def test_a_trained_body_keeps_the_networks_own_answers(monkeypatch):
    trained, network = zoo.LeNet((28, 28, 1), 10), zoo.LeNet((28, 28, 1), 3)
    before = network.get_layer("logits").get_weights()
    monkeypatch.setattr("sightkit.transfer.imagenet.weights_available", lambda *_, **__: False)
    monkeypatch.setattr("sightkit.transfer.imagenet.trained_network", lambda *_, **__: trained)
    transfer.load_trained_body(network, "any")
    for layer in network.layers:
        own = before if layer.name == "logits" else trained.get_layer(layer.name).get_weights()
        for ours, theirs in zip(layer.get_weights(), own, strict=True):
            np.testing.assert_array_equal(ours, theirs)
