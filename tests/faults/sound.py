"""Small files of every kind, as they are written; what is done to them is elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import keras
import numpy as np
from hostile_archives import sound as sound_archives
from keras.src.legacy.saving import legacy_h5_format

from sightkit import io, preprocessing, training, transfer, zoo
from sightkit.training import interruption

NAMES = ("ant", "bee ☃", "cat")


def network(folder: str) -> None:
    """A bundle of a network."""
    _network(folder, zoo.LeNet((8, 8, 3), 3))


def keras_network(folder: str) -> None:
    """A bundle of a network that no builder made."""
    layers = keras.layers
    images = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu")(images)
    x = layers.Flatten()(layers.BatchNormalization()(x))
    _network(folder, keras.Model(images, layers.Dense(3, activation="softmax")(x)))


def large_network(folder: str) -> None:
    """A bundle whose weights take 80 MB."""
    _network(folder, zoo.MLP((32, 32, 3), 3, hidden=(4096, 2048)))


def _network(folder: str, model: keras.Model) -> None:
    rng = np.random.default_rng(0)  # sharp answers, so that the canary sees a difference
    model.set_weights(
        [
            abs(array) if "variance" in variable.path else array
            for variable in model.weights
            for array in [rng.normal(0, 0.15, variable.shape).astype("float32")]
        ]
    )
    rows, columns = np.mgrid[0:20, 0:30]
    chain = (
        preprocessing.SimplePreprocessor(*model.input_shape[1:3]),
        preprocessing.ImageToArrayPreprocessor(),
    )
    hashes = rng.integers(0, 256, (40, 32)).astype(np.uint8)
    training.save_bundle(
        folder,
        model,
        preprocessing=preprocessing.Pipeline(chain),
        class_names=NAMES,
        canary=np.stack([rows * 12, columns * 3, 90 - columns], axis=-1).astype(np.uint8),
        metrics={"test": {"rank1": 0.5}},
        training={"seed": 1},
        training_rows=io.Manifest.of_hashes(hashes, {}),
    )


def heads(folder: str) -> None:
    """Bundles of networks with a head, one a kind of head."""
    place = Path(folder)
    (place / "photos").mkdir(parents=True)
    io.write_sample_photos(place / "photos")
    for name, layer in (("a", None), ("b", "pool1")):
        network = transfer.open_network("lenet", random=True, layer=layer)
        transfer.extract_features(
            network, transfer.open_photos(place / "photos"), place / f"{name}.h5"
        )
    for kind in ("logistic", "random_forest", "knn"):
        names = ("a", "b") if kind == "logistic" else ("a",)
        rows = transfer.open_features([place / f"{name}.h5" for name in names])
        judged = transfer.train_head(rows, transfer.HeadSettings(head=kind, folds=2))
        transfer.save_feature_classifier(
            place / kind,
            transfer.networks_of(rows),
            rows,
            judged.fitted.head,
            metrics=judged.metrics,
            settings={},
            distance=judged.distance,
            training_rows=judged.training_rows,
        )


def dataset(path: str) -> None:
    """A file of images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (31, 8, 8, 3)).astype(np.uint8)
    with io.HDF5DatasetWriter(
        images.shape,
        path,
        class_names=NAMES,
        splits={"train": 20, "validation": 6, "test": 5},
        preprocessing=preprocessing.SimplePreprocessor(8, 8).to_config(),
        recipe={"left_out": {"an empty file": 2}, "data": {"name": "made up"}},
    ) as writer:
        labels = np.arange(31) % 3
        writer.add(
            images, labels, [f"{NAMES[label]}/{row}.png" for row, label in enumerate(labels)]
        )


def features(path: str) -> None:
    """A file of features."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    rows = (2 * rng.normal(size=(3, 8))[labels] + rng.normal(size=(60, 8))).astype(np.float32)
    identity = {
        "name": "net",
        "layer": "a",
        "pool": "avg",
        "crops": 1,
        "weights_sha256": "0" * 64,
        "preprocessing": {},
        "network": {"builder": "lenet", "arguments": {}},
        "dimensions": 8,
        "origin": {},
        "engine": "keras",
        "precision": "float32",
    }
    with io.HDF5DatasetWriter(
        rows.shape,
        path,
        class_names=NAMES,
        data_key="features",
        dtype="float32",
        recipe={"kind": "features", "network": identity, "data": {}, "before": None},
    ) as writer:
        writer.add(rows, labels, [f"photo {row}" for row in range(60)])


def keras_home(path: str) -> None:
    """A home of Keras with made-up weights of MobileNet."""
    models = Path(path) / "models"
    models.mkdir(parents=True)
    classes = {str(number): [f"n{number:08d}", f"thing_{number}"] for number in range(1000)}
    (models / "imagenet_class_index.json").write_text(json.dumps(classes))
    keras.utils.set_random_seed(0)
    made = keras.applications.MobileNet(alpha=0.25, weights=None)
    made.set_weights([5 * array if array.ndim > 1 else array for array in made.get_weights()])
    with h5py.File(models / "mobilenet_2_5_224_tf.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, made)


def run_data(folder: str) -> None:
    """The data of a run, and that no time counts."""
    interruption.SECONDS_BETWEEN = 600
    place = Path(folder)
    place.mkdir()
    rng = np.random.default_rng(0)
    labels = np.arange(68) % 3
    images = rng.integers(0, 120, (68, 8, 8, 1)).astype(np.uint8)
    images[:, :4] += (labels * 60).astype(np.uint8)[:, None, None, None]
    splits = {"train": 44, "validation": 12, "test": 12}
    with io.HDF5DatasetWriter(
        images.shape, place / "data.h5", class_names=("dark", "grey", "light"), splits=splits
    ) as writer:
        writer.add(images, labels)


def packed(folder: str) -> None:
    """An archive of photos, beside a file that is not its own."""
    place = Path(folder)
    place.mkdir()
    (place / "archive").write_bytes(sound_archives()["tar.gz"])
    (place / "victim").write_bytes(b"untouched")
