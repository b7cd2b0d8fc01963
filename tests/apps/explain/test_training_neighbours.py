"""Training photos near a photo, in the feature space of the network that was trained on them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import io, training, transfer
from sightkit._errors import SightkitError
from sightkit.apps.explain.training_neighbours import TrainingNeighbours, last_features
from sightkit.preprocessing import ImageToArrayPreprocessor


@pytest.fixture(scope="module")
def trained(trained_bundles, tmp_path_factory):
    """A dataset file of digits, and a network that was trained on it."""
    path, (folder,) = trained_bundles(tmp_path_factory.mktemp("digits"))
    return io.DatasetFile.open(path), training.load_bundle(folder)


@pytest.fixture(scope="module")
def found(trained):
    file, bundle = trained
    return TrainingNeighbours(bundle, file.path)


@pytest.mark.slow
def test_the_space_is_what_the_last_dense_layer_takes(trained, found):
    file, bundle = trained
    first, last = file.rows("train")
    dense = [each for each in bundle.network.layers if isinstance(each, keras.layers.Dense)][-1]
    body = keras.Model(bundle.network.inputs[0], dense.input)
    x = np.stack([ImageToArrayPreprocessor()(image) for image in file.read(slice(first, last))])
    expected = np.array(body(x))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.features == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(found.labels, file.labels[first:last])


def test_neighbours_are_the_most_similar_with_name_class_and_picture(trained, found):
    file, _ = trained
    first, last = file.rows("test")
    images = list(file.read(slice(first, last)))
    answers = found.of(images, 3, stored=True)
    right = []
    for answer, label in zip(answers, file.labels[first:last], strict=True):
        cosines = [each.similarity for each in answer]
        assert cosines == sorted(cosines, reverse=True) and len(answer) == 3
        right += [each.class_name == file.class_names[label] for each in answer]
    assert np.mean(right) > 0.6  # ten classes
    near = answers[0][0]
    row = file.sources().index(near.name)
    assert row < file.rows("train")[1]
    assert near.class_name == file.class_names[file.labels[row]]
    assert np.array_equal(near.image, file.read(row))


def test_a_training_photo_is_nearest_to_itself(trained, found, tmp_path):
    file, _ = trained
    image = file.read(5)
    (answer,) = found.of([image], 1, stored=True)
    assert answer[0].name == file.sources()[5] and answer[0].similarity == pytest.approx(1)
    io.write_png(tmp_path / "five.png", image)
    (as_photo,) = found.of([tmp_path / "five.png"], 1)  # through the whole chain
    assert as_photo[0].name == answer[0].name


def test_only_images_that_were_trained_on_are_looked_at(trained):
    file, bundle = trained
    with pytest.raises(SightkitError, match=r"trained on\. Received: .*split='test'"):
        TrainingNeighbours(bundle, file.path, split="test")


def test_of_many_training_photos_some_are_drawn(trained, capsys):
    file, bundle = trained
    some = TrainingNeighbours(bundle, file.path, most=30)
    assert len(some.rows) == 30 == len(set(some.rows)) == len(some.features)
    assert "30 of 200 training photos" in capsys.readouterr().err
    names = {file.sources()[row] for row in some.rows}
    assert {each.name for each in some.of([file.read(0)], 30, stored=True)[0]} == names


def test_a_folder_and_k_beyond_the_training_photos_are_refused(trained, found, tmp_path):
    file, bundle = trained
    for name in file.class_names[:2]:
        (tmp_path / name).mkdir()
        io.write_png(tmp_path / name / "x.png", file.read(0))
    with pytest.raises(SightkitError, match="must be a dataset file"):
        TrainingNeighbours(bundle, tmp_path)
    with pytest.raises(SightkitError, match="Received: k=201"):
        found.of([file.read(0)], 201, stored=True)
    (tmp_path / "no.png").write_text("no image")
    with pytest.raises(SightkitError, match=r"no\.png"):
        found.of([tmp_path / "no.png"])


def test_last_features_of_networks_with_and_without_dense_layers():
    layers = keras.layers
    body = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="maps"),
                             layers.GlobalAveragePooling2D(name="mean")], name="body")  # fmt: skip
    nested = keras.Sequential([keras.Input((8, 8, 3)), body, layers.Dense(2)])
    assert last_features(nested) == "body"
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="maps")(inputs)
    alone = keras.Model(inputs, layers.GlobalAveragePooling2D(name="mean")(x))
    assert last_features(alone) == "maps"


@pytest.mark.slow
def test_a_head_is_searched_in_the_features_that_it_takes(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 2
    images = rng.integers(0, 128, (36, 40, 40, 3)) + 100 * labels[:, None, None, None]
    splits = {"train": 24, "test": 12}
    with io.HDF5DatasetWriter(
        images.shape, tmp_path / "data.h5", class_names=["dark", "light"], splits=splits
    ) as writer:
        writer.add(images.astype(np.uint8), labels)
    network = transfer.open_network("minivggnet", random=True)
    photos = transfer.open_photos(tmp_path / "data.h5")
    features = transfer.extract_features(network, photos, tmp_path / "f.h5")
    head = transfer.train_head(features, transfer.HeadSettings())
    transfer.save_feature_classifier(
        tmp_path / "bundle", transfer.networks_of(features), features, head.fitted.head,
        metrics={}, settings={}, training_rows=head.training_rows,
    )  # fmt: skip
    found = TrainingNeighbours(transfer.load(tmp_path / "bundle"), tmp_path / "data.h5")
    expected = features.take(slice(0, 24))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.features == pytest.approx(expected, abs=1e-5)
    (answer,) = found.of([images[30].astype(np.uint8)], 3, stored=True)
    assert {each.class_name for each in answer} == {"dark"}
