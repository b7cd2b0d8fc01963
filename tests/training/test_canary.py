"""What changes a bundle's preprocessing is seen by its canary, however certain the network is."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from sightkit import inference, io, zoo
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    SimplePreprocessor,
)
from sightkit.training import load_bundle, save_bundle
from sightkit.training.bundle_format import digest
from sightkit.training.canary import TOLERANCE, choose_canary, hard_images

SIDE, CLASSES = 32, 4
NAMES = tuple("abcd")


def pictures(count=24, channels=3, seed=0):
    """Smooth colours and an edge: no two alike, each of a class of its own brightness."""
    rng = np.random.default_rng(seed)
    place = np.linspace(0, 1, SIDE)
    images = np.empty((count, SIDE, SIDE, channels), np.uint8)
    for image in images:
        for channel in range(channels):
            a, b, c, d = rng.uniform(-1, 1, 4)
            wave = a * np.sin(5 * c * place)[:, None] + b * np.cos(7 * d * place)[None]
            wave += np.where(np.add.outer(place, place) > 1 + a / 2, 0.5, -0.5)
            image[..., channel] = (128 + 50 * wave).clip(0, 255)
    return images


def build(name, certain, channels=3):
    keras.utils.set_random_seed(1)
    network = zoo.build(name, input_shape=(SIDE, SIDE, channels), classes=CLASSES)
    *others, kernel, bias = network.get_weights()
    answers = network.predict(pictures(channels=channels) / np.float32(255), verbose=0)
    bias = bias - np.log(answers).mean(axis=0)  # so that it does not answer one class alone
    network.set_weights([*others, certain * kernel, certain * bias])
    return network


def answers_of(network):
    predictor = inference.compile(network)
    return lambda given: predictor(np.stack(given))


def write(folder, network, stored, chain):
    """Save a bundle as the scripts do, of rows that have been through the first part of a chain."""
    rows = np.stack([Pipeline(chain.steps[:stored])(image) for image in pictures()])
    inputs = np.stack([Pipeline(chain.steps[stored:])(row) for row in rows])
    answer = answers_of(network)
    labels = answer(list(inputs)).argmax(axis=1)
    labels[::5] = 0  # most are right
    canary = choose_canary(hard_images(rows, labels, inputs, chain, answer), chain, answer)
    save_bundle(folder, network, preprocessing=chain, class_names=NAMES, canary=canary.image)
    load_bundle(folder)
    return canary


def edit(folder, change):
    path = folder / "bundle.json"
    description = json.loads(path.read_text())
    description.pop("sha256")
    change(description["preprocessing"]["steps"])
    path.write_text(json.dumps({**description, "sha256": digest(description)}))


def scale(factor):
    return lambda steps: steps[-1].update(scale=steps[-1]["scale"] * factor)


def other_shape(steps):
    kinds = {
        "SimplePreprocessor": AspectAwarePreprocessor,
        "AspectAwarePreprocessor": SimplePreprocessor,
    }
    for position, step in enumerate(steps):
        if step["name"] in kinds:
            steps[position] = kinds[step["name"]](SIDE, SIDE).to_config()


QUICK = ("lenet", "shallownet")
CHANGES = {
    "twice the scale": scale(2),
    "half the scale": scale(0.5),
    "no scale": scale(255),
    "another shape": other_shape,
}
CHAINS = {
    "stretch": SimplePreprocessor(SIDE, SIDE),
    "crop": AspectAwarePreprocessor(SIDE, SIDE),
}


CASES = [
    pytest.param(name, fit, certain, marks=[] if name in QUICK else pytest.mark.slow)
    for name, fit, certain in (
        ("lenet", "crop", 5),
        ("shallownet", "crop", 500),
        ("minivggnet", "stretch", 50),
        ("mlp", "stretch", 5),
        ("resnet20", "crop", 50),
    )
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fit", "certain"), CASES)
def test_planted_changes_are_noticed(name, fit, certain, tmp_path, monkeypatch):
    chain = Pipeline((CHAINS[fit], ImageToArrayPreprocessor()))
    canary = write(tmp_path / "b", build(name, certain), 1, chain)
    assert not canary.blind and min(canary.shows.values()) > TOLERANCE
    height, width = canary.image.shape[:2]
    assert width > height
    original = (tmp_path / "b" / "bundle.json").read_text()
    for change in CHANGES.values():
        edit(tmp_path / "b", change)
        with pytest.raises(SightkitError, match="canary"):
            load_bundle(tmp_path / "b")
        (tmp_path / "b" / "bundle.json").write_text(original)
    load_bundle(tmp_path / "b")
    right = io.read_image
    for broken in (lambda x: x[..., ::-1], lambda x: x[1:-1, 2:-2], lambda x: x[:, : x.shape[0]]):
        monkeypatch.setattr(
            "sightkit.training.classifier.sightkit_io.read_image",
            lambda path, broken=broken: np.ascontiguousarray(broken(right(path))),
        )
        with pytest.raises(SightkitError, match="canary"):
            load_bundle(tmp_path / "b")
        monkeypatch.undo()


@pytest.mark.parametrize("certain", (5, 50))
def test_grey_pictures_of_a_coloured_network_show_the_order(certain):
    network = build("lenet", certain)
    chain = Pipeline((SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor()))
    rows = np.repeat(pictures(channels=1), 3, axis=-1)
    inputs = np.stack([chain(row) for row in rows])
    answer = answers_of(network)
    labels = answer(list(inputs)).argmax(axis=1)
    canary = choose_canary(hard_images(rows, labels, inputs, chain, answer), chain, answer)
    assert canary.shows["channel order"] > TOLERANCE


def test_a_grey_network_has_no_order_to_show():
    network = build("lenet", 5, channels=1)
    steps = (GrayscalePreprocessor(), SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor())
    chain = Pipeline(steps)
    rows = pictures(channels=1)
    inputs = np.stack([chain(row) for row in rows])
    answer = answers_of(network)
    labels = answer(list(inputs)).argmax(axis=1)
    canary = choose_canary(hard_images(rows, labels, inputs, chain, answer), chain, answer)
    assert set(canary.shows) == {"scale", "crop", "shape"}


def test_a_chain_that_takes_one_size_has_no_crop_to_show():
    network = build("lenet", 5)
    chain = Pipeline((MeanPreprocessor(120, 120, 120), ImageToArrayPreprocessor()))
    rows = pictures()
    inputs = np.stack([chain(row) for row in rows])
    answer = answers_of(network)
    labels = answer(list(inputs)).argmax(axis=1)
    images = list(hard_images(rows, labels, inputs, chain, answer))
    assert images[0].shape == rows[0].shape
    canary = choose_canary(images, chain, answer)
    assert set(canary.shows) == {"scale", "channel order"}


def test_the_least_certain_right_answer_comes_first():
    rows = pictures(8)
    chain = Pipeline((SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor()))
    inputs = np.stack([chain(row) for row in rows])
    found = np.full((8, CLASSES), 0.05)
    found[np.arange(8), np.arange(8) % 4] = [0.9, 0.8, 0.3, 0.6, 0.4, 0.9, 0.9, 0.9]
    labels = np.arange(8) % 4
    labels[2] = 0  # a wrong answer is no example, however uncertain
    first = next(iter(hard_images(rows, labels, inputs, chain, lambda given: found)))
    assert np.array_equal(chain(first), inputs[4])


def test_a_network_that_sees_nothing_is_said_to_be_blind():
    chain = Pipeline((ImageToArrayPreprocessor(),))
    canary = choose_canary(
        [np.full((4, 4, 3), 9, np.uint8)], chain, lambda given: np.full((len(given), 3), 1 / 3)
    )
    assert canary.blind == ["scale", "channel order"]
