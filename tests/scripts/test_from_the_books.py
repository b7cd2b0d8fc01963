"""Three scripts of the books, ported line by line by docs/from_the_books.md, on small real data."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import callbacks, evaluation, inference, io, training, transfer, zoo
from sightkit.preprocessing import (
    Augment,
    CropPreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    PatchPreprocessor,
    Pipeline,
    RandomPipeline,
    SimplePreprocessor,
)

pytestmark = pytest.mark.slow
LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training.prepare(seed=42)


@pytest.fixture
def photos(tmp_path):
    io.write_sample_photos(tmp_path / "photos")
    return tmp_path / "photos"


def test_lenet_on_digits_with_a_step_decay_and_model_save():
    source = io.digits()
    images = np.stack([source.read(row) for row in range(600)])
    labels, class_names = io.encode_labels([source.class_names[i] for i in source.labels[:600]])
    parts = io.split(labels, {"train": 0.75, "test": 0.25}, seed=42)
    to_floats = Pipeline((SimplePreprocessor(28, 28), ImageToArrayPreprocessor()))
    x = to_floats.batch(images)
    train, test = ((x[rows], labels[rows]) for rows in parts.values())

    model = zoo.LeNet(input_shape=(28, 28, 1), classes=10)
    rate = callbacks.StepDrop(0.05, -(-len(train[0]) // 32), factor=0.5, every=2)
    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    model.compile(optimizer, LOSS, metrics=["accuracy"])
    rows = training.fit(model, train, test, run="runs/lenet", epochs=2, batch_size=32)
    assert rows[-1]["learning_rate"] == pytest.approx(0.025)

    found = evaluation.evaluate(inference.compile(model), test)
    assert "precision" in evaluation.summary(found, evaluation.metrics_report(found))
    assert found.to_metrics()["rank1"] > 0.5
    assert rows[-1]["val_accuracy"] == pytest.approx((found.predictions == found.labels).mean())

    training.save_bundle(
        "lenet", model, preprocessing=to_floats, class_names=class_names, canary=images[0]
    )
    answers = training.load_bundle("lenet").predict(list(images[parts["test"]]))
    np.testing.assert_allclose(answers, found.probabilities, atol=1e-4)


def test_alexnet_with_patches_and_mean_from_hdf5_and_ten_crops(photos):
    io.build_dataset(
        photos,
        "photos.h5",
        preprocessors=SimplePreprocessor(72, 72),
        fractions={"train": 0.5, "validation": 0.25, "test": 0.25},
        split_seed=42,
    )
    mean = MeanPreprocessor.of(io.DatasetFile.open("photos.h5").mean)
    floats = (ImageToArrayPreprocessor(1.0), mean)
    varied = Augment(rotation=20, zoom=0.15, translation=0.2, shear=0.15, horizontal_flip=True)
    chains = {
        "train": Pipeline(floats),
        "validation": Pipeline((SimplePreprocessor(64, 64), *floats)),
        "test": Pipeline((CropPreprocessor(64, 64, mirrors=True), *floats)),
    }
    train, validation, test = (
        io.HDF5DatasetGenerator(
            "photos.h5",
            16,
            split=split,
            shuffle=split == "train",
            augment=RandomPipeline((PatchPreprocessor(64, 64), varied))
            if split == "train"
            else None,
            preprocessors=chain,
        )
        for split, chain in chains.items()
    )

    model = zoo.AlexNet((64, 64, 3), 2, reg=0.0002, filters=(8,) * 5, hidden=(16, 16))
    model.compile(keras.optimizers.Adam(1e-3), LOSS, metrics=["accuracy"])
    rows = training.fit(model, train, validation, run="runs/alexnet", epochs=2)
    assert len(rows) == 2

    assert test[0][0].shape[1:] == (10, 64, 64, 3)
    found = evaluation.evaluate(evaluation.average_views(inference.compile(model)), test)
    assert len(found.labels) == test.count


def test_features_and_logistic_regression(photos):
    network = transfer.open_network("minivggnet", random=True)  # the books' VGG16, without weights
    features = transfer.extract_features(network, transfer.open_photos(photos), "features.h5")
    parts = io.split(features.labels, {"train": 0.75, "test": 0.25}, seed=42)
    x, y = features.take(parts["train"]), features.labels[parts["train"]]

    strengths = (0.1, 1.0)
    fitted = transfer.fit_head("logistic", x, y, features.class_names, folds=3, strengths=strengths)
    assert fitted.chosen in strengths
    answers = fitted.head.predict_proba(features.take(parts["test"]))
    assert evaluation.rank_accuracy(answers, features.labels[parts["test"]]) > 0.5
