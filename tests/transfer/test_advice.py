"""The table of advice, the probe behind it, and the pictures that it looks at."""

from __future__ import annotations

import math
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import inference, transfer
from sightkit._errors import SightkitError
from sightkit.io import write_png
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor
from sightkit.training import Bundle


@pytest.mark.parametrize(
    ("size", "similarity", "method"),
    (
        (359, 0.8, "feature extraction"),
        (359, 0.3, "features of earlier layers"),
        (3_000, 0.8, "fine-tuning"),
        (3_000, 0.3, "fine-tuning of many layers, or training from scratch"),
        (2_999, 0.5, "feature extraction"),
    ),
)
def test_each_field_of_the_table_has_reasons_with_their_sources(size, similarity, method):
    advice = transfer.advise(size, similarity, classes=3)
    assert advice.method == method
    assert any("S1" in reason or "S2" in reason for reason in advice.reasons)
    shown = str(advice)
    (marked,) = [line for line in shown.splitlines() if line.startswith("→")]
    assert f"{advice.size}, {advice.kind}" in marked and method in marked
    assert "practitioner bundle" in shown


@pytest.mark.parametrize(
    ("size", "similarity", "classes"), ((0, 0.5, 2), (5, 0.5, 1), (5, math.nan, 2), (5, 1.1, 2))
)
def test_what_is_no_data_set_gets_no_advice(size, similarity, classes):
    with pytest.raises(SightkitError, match="Received"):
        transfer.advise(size, similarity, classes=classes)


@pytest.fixture(scope="module")
def bundle():
    """A network whose batch normalization remembers normal noise around the middle of the range."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    x = images
    for number in range(2):
        x = keras.layers.Conv2D(16, 3, use_bias=False, padding="same")(x)
        x = keras.layers.BatchNormalization(momentum=0.5, name=f"bn{number}")(x)
    network = keras.Model(images, x)
    for _ in range(40):
        network(ImageToArrayPreprocessor().batch(noise(64)), training=True)
    chain = Pipeline((SimplePreprocessor(8, 8), ImageToArrayPreprocessor()))
    return Bundle(lambda: network, inference.compile(network), chain, (), {})


def noise(count, mean=128, spread=30, seed=0):
    values = np.random.default_rng(seed).normal(mean, spread, (count, 8, 8, 3))
    return values.clip(0, 255).astype(np.uint8)


def test_training_like_pictures_are_similar_and_others_are_not(bundle):
    same = transfer.probe(list(noise(64, seed=1)), network=bundle)
    brighter = transfer.probe(list(noise(64, mean=200, seed=1)), network=bundle)
    darker = transfer.probe(list(noise(64, mean=50, seed=1)), network=bundle)
    assert same.divergence < 0.01 < 0.1 < min(brighter.divergence, darker.divergence)
    assert same.similarity > 0.9 > 0.5 > max(brighter.similarity, darker.similarity)
    assert same.stages == () and same.majority is None


def test_the_divergence_is_that_of_two_normal_distributions(bundle):
    """By hand, from the inputs of the layers."""
    images = noise(32, mean=150, seed=2)
    layers = [bundle.network.get_layer(f"bn{number}") for number in range(2)]
    inputs = keras.Model(bundle.network.input, [layer.input for layer in layers])
    x = ImageToArrayPreprocessor().batch(images)
    medians = []
    for layer, values in zip(layers, inputs.predict_on_batch(x), strict=True):
        m = np.asarray(keras.ops.convert_to_numpy(layer.moving_mean.value))
        v = np.asarray(keras.ops.convert_to_numpy(layer.moving_variance.value)) + layer.epsilon
        given, spread = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2)) + layer.epsilon
        terms = np.log(np.sqrt(v / spread)) + (spread + (given - m) ** 2) / (2 * v) - 0.5
        medians.append(np.median(terms))
    found = transfer.probe(list(images), network=bundle).divergence
    assert found == pytest.approx(np.median(medians), rel=1e-3)


def test_labels_add_how_well_features_separate_the_classes(bundle):
    images = np.concatenate([noise(20, mean=90), noise(10, mean=160)])
    found = transfer.probe(list(images), [0] * 20 + [1] * 10, network=bundle)
    assert found.majority == pytest.approx(2 / 3)
    assert found.stages[-1] == ("bn1", 1.0)
    assert "bn1 100.0 %" in str(found)
    lonely = transfer.probe(list(images), [0] * 29 + [1], network=bundle)
    assert lonely.stages == ()


def test_what_cannot_be_probed_is_refused(bundle):
    with pytest.raises(SightkitError, match="at least two pictures"):
        transfer.probe(list(noise(1)), network=bundle)
    with pytest.raises(SightkitError, match="a label for each"):
        transfer.probe(list(noise(3)), [0, 1], network=bundle)
    images = keras.Input((8, 8, 3))
    plain = keras.Model(images, keras.layers.Conv2D(2, 3)(images))
    without = Bundle(lambda: plain, inference.compile(plain), bundle.preprocessing, (), {})
    with pytest.raises(SightkitError, match="statistics of batch normalization"):
        transfer.probe(list(noise(3)), network=without)


def test_a_sample_has_two_of_each_class_and_names_bad_photos(tmp_path, capsys):
    for label, count in (("a", 30), ("b", 2)):
        (tmp_path / label).mkdir()
        for number in range(count):
            write_png(tmp_path / label / f"{number}.png", noise(1, seed=number)[0])
    sample = transfer.draw_sample(tmp_path, 8, seed=3)
    assert np.bincount(sample.labels).tolist() == [6, 2]
    assert (sample.total, sample.class_names) == (32, ("a", "b"))
    again = transfer.draw_sample(tmp_path, 8, seed=3)
    assert all((x == y).all() for x, y in zip(sample.images, again.images, strict=True))
    (tmp_path / "b" / "0.png").write_text("no image")
    assert len(transfer.draw_sample(tmp_path, 8, seed=3).images) == 7
    assert "0.png" in capsys.readouterr().err


def test_a_sample_of_a_dataset_file_and_of_nothing(write_dataset, tmp_path):
    sample = transfer.draw_sample(write_dataset(), 9)
    assert (len(sample.images), sample.total) == (9, 31)
    with pytest.raises(SightkitError, match="must name a folder"):
        transfer.draw_sample(tmp_path / "nowhere", 9)


@pytest.mark.skipif("SIGHTKIT_TEST_DATA" not in os.environ, reason="SIGHTKIT_TEST_DATA is not set")
@pytest.mark.slow
def test_photos_are_similar_and_digits_are_not(test_data, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(test_data / "keras" / "models", tmp_path / "models")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(
        "keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path), raising=False
    )
    network = transfer.pretrained("mobilenet_0.25", include_top=False)
    photos = transfer.draw_sample(Path(test_data) / "animals", 32).images
    digits = transfer.draw_sample(test_data / "captcha" / "ezpass" / "dataset", 32).images
    assert transfer.probe(photos, network=network).similarity > 0.7
    assert transfer.probe(digits, network=network).similarity < 0.4
