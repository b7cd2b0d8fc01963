from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import inference, training, transfer
from sightkit._errors import SightkitError
from sightkit.apps.explain import Attack, PixelChain
from sightkit.io import read_image, write_png
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    BGRPreprocessor,
    ColourPreprocessor,
    CropPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanImagePreprocessor,
    MeanPreprocessor,
    Pipeline,
)

SIDE = 16
MIDDLE = AspectAwarePreprocessor(SIDE, SIDE, crop=0.875)
BEFORE = (ColourPreprocessor(), MIDDLE)
NAMES = ("ant", "bee", "cat")
CHAINS = {
    "0 to 1": (ImageToArrayPreprocessor(),),
    "-1 to 1": (ImageToArrayPreprocessor(1 / 127.5), MeanPreprocessor(1.0, 1.0, 1.0)),
    "BGR": (
        ImageToArrayPreprocessor(1.0),
        MeanPreprocessor(123.68, 116.779, 103.939),
        BGRPreprocessor(),
    ),
    "deviation": (
        ImageToArrayPreprocessor(),
        MeanPreprocessor(0.4, 0.5, 0.6, deviation=(0.2, 0.3, 0.4)),
    ),
    "mean image": (
        MeanImagePreprocessor.of(np.random.default_rng(3).uniform(90, 160, (SIDE, SIDE, 3))),
    ),
}


def bundle(numbers=CHAINS["-1 to 1"], before=BEFORE, channels=3, seed=4):
    """A small network that is smooth, so that a step along its gradient does lower a score."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((SIDE, SIDE, channels))
    x = layers.Conv2D(6, 3, activation="tanh")(layers.LayerNormalization(axis=(1, 2))(inputs))
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(x))
    network = keras.Model(inputs, outputs)
    predictor = inference.compile(network, engine="keras")
    chain = Pipeline((*before, *numbers))
    return training.Bundle(lambda: network, predictor, chain, NAMES, {})


@pytest.fixture
def photos(rng):
    grey = np.linspace(40, 210, 30 * 40).reshape(30, 40, 1)
    return [np.uint8(grey + rng.normal(0, 12, (30, 40, 3)).clip(-30, 30)) for _ in range(6)]


@pytest.mark.parametrize("method", ("fgsm", "pgd"))
@pytest.mark.parametrize("name", CHAINS)
def test_attack_stays_within_epsilon_and_the_answer_is_wrong(name, method, photos, tmp_path):
    classifier = bundle(CHAINS[name])
    attack = Attack(classifier)
    pictures = attack.pictures(photos)
    before = attack.predict(pictures)
    np.testing.assert_allclose(before, classifier.predict(photos), atol=1e-6)
    epsilon = 10 / 255
    after = attack.run(method, pictures, before.argmax(axis=1), epsilon=epsilon)
    assert after.dtype == np.uint8 and after.shape == pictures.shape == (6, SIDE, SIDE, 3)
    for number, picture in enumerate(after):
        write_png(tmp_path / f"{number}.png", picture)
        saved = read_image(tmp_path / f"{number}.png")
        assert 0 < np.abs(saved.astype(int) - pictures[number]).max() <= 10
    truth = before.argmax(axis=1)[:, np.newaxis]
    lowered = np.take_along_axis(attack.predict(after) - before, truth, axis=1)
    assert (lowered < 0).all()
    assert (attack.predict(after).argmax(axis=1) != truth[:, 0]).mean() > 0.5


@pytest.mark.parametrize("name", CHAINS)
def test_each_channel_moves_in_its_own_direction(name, photos):
    attack = Attack(bundle(CHAINS[name]))
    pictures = attack.pictures(photos)
    truth = attack.predict(pictures).argmax(axis=1)
    after = attack.fgsm(pictures, truth, epsilon=3 / 255)
    change = after.astype(int) - pictures
    mixed = np.clip(pictures + change[..., ::-1], 0, 255).astype(np.uint8)
    right, wrong = (attack.predict(each)[np.arange(6), truth] for each in (after, mixed))
    assert (right < wrong).all()


@pytest.mark.parametrize("method", ("fgsm", "pgd"))
def test_saved_picture_is_answered_as_stated(method, photos, tmp_path):
    classifier = bundle()
    attack = Attack(classifier)
    after = attack.run(method, attack.pictures(photos), None)
    for picture, answer in zip(after, attack.predict(after), strict=True):
        write_png(tmp_path / "a.png", attack.chain.framed(picture))
        np.testing.assert_array_equal(attack.pictures([tmp_path / "a.png"])[0], picture)
        np.testing.assert_allclose(classifier.predict([tmp_path / "a.png"])[0], answer, atol=1e-6)


def test_targeted_attack_leads_to_the_class(photos):
    attack = Attack(bundle())
    pictures = attack.pictures(photos)
    for target in (*NAMES, 2):
        index = NAMES.index(target) if isinstance(target, str) else target
        after = attack.predict(attack.pgd(pictures, epsilon=0.1, target=target))
        assert (after.argmax(axis=1) == index).all()
        once = attack.predict(attack.fgsm(pictures, target=target, epsilon=2 / 255))
        assert (once[:, index] > attack.predict(pictures)[:, index]).all()


def test_pgd_lowers_the_score_more_than_fgsm_and_is_seeded(photos):
    attack = Attack(bundle())
    pictures = attack.pictures(photos)
    truth = attack.predict(pictures).argmax(axis=1)
    scores = {
        name: attack.predict(found)[np.arange(6), truth].mean()
        for name, found in {
            "fgsm": attack.fgsm(pictures, truth, epsilon=4 / 255),
            "pgd": attack.pgd(pictures, truth, epsilon=4 / 255),
        }.items()
    }
    assert scores["pgd"] <= scores["fgsm"] + 1e-3
    one, same, other = (attack.pgd(pictures, truth, seed=s, steps=2) for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_accuracy_falls_with_epsilon(photos):
    attack = Attack(bundle())
    pictures = attack.pictures(photos)
    truth = attack.predict(pictures).argmax(axis=1)
    found = attack.accuracy(pictures, truth, epsilons=(0, 0.001, 1 / 255, 0.05))
    assert found[:2] == [1, 1]  # less than one grey level is none
    assert found[3] < 1 and found[3] <= found[2]


@pytest.mark.parametrize("epsilon", (-0.01, 1.01, math.nan, math.inf))
def test_epsilon_out_of_range_is_refused(epsilon, photos):
    attack = Attack(bundle())
    for method in (attack.fgsm, attack.pgd):
        with pytest.raises(SightkitError, match=r"from 0 to 1.*epsilon=.*8/255"):
            method(attack.pictures(photos), epsilon=epsilon)


@pytest.mark.parametrize("target", ("dog", 3, -1))
def test_target_that_is_no_class_is_refused(target, photos):
    attack = Attack(bundle())
    with pytest.raises(SightkitError, match="from 0 to 2"):
        attack.fgsm(attack.pictures(photos), target=target)


def test_grey_network_is_attacked_in_grey(photos):
    classifier = bundle((ImageToArrayPreprocessor(),), (GrayscalePreprocessor(), MIDDLE), 1)
    attack = Attack(classifier)
    pictures = attack.pictures(photos)
    after = attack.fgsm(pictures)
    assert after.shape == (6, SIDE, SIDE, 1)
    assert np.abs(after.astype(int) - pictures).max() == 8
    assert np.array_equal(attack.chain.pictures([attack.chain.framed(after[0])])[0], after[0])


def test_chain_that_is_no_straight_line_is_refused(photos):
    resized = (ImageToArrayPreprocessor(), AspectAwarePreprocessor(SIDE, SIDE))
    attack = Attack(bundle(resized, (ColourPreprocessor(),)))
    with pytest.raises(SightkitError, match=r"straight line.*sizes.*resizes before it scales"):
        attack.fgsm(attack.pictures(photos))
    with pytest.raises(SightkitError, match="several views"):
        PixelChain.of(Pipeline((CropPreprocessor(8, 8), ImageToArrayPreprocessor())))


def test_line_of_a_pixel_is_that_of_its_chain(photos):
    for numbers in CHAINS.values():
        chain = PixelChain.of(bundle(numbers))
        pictures = chain.pictures(photos)
        line = chain.start(pictures.shape[1:]) + pictures @ chain.slope(pictures)
        np.testing.assert_allclose(chain.inputs(pictures), line, rtol=1e-4, atol=1e-4)
        assert np.array_equal(chain.picture_of(chain.inputs(pictures)[0]), pictures[0])
        low, high = chain.limits(pictures.shape[1:])
        assert (low < chain.inputs(pictures)).all() and (chain.inputs(pictures) < high).all()


@pytest.mark.slow
def test_fgsm_lowers_mobilenet_by_more_than_30_points(test_data, tmp_path, monkeypatch):
    if not transfer.weights_available("mobilenet_0.75"):
        pytest.skip("the weights of mobilenet_0.75 are not in KERAS_HOME")
    classifier = transfer.pretrained("mobilenet_0.75")
    files = sorted((test_data / "imagenet-samples").glob("*.JPEG"))
    identifiers = classifier.description["wordnet_ids"]
    truth = np.array([identifiers.index(file.name.split("_")[0]) for file in files])
    attack = Attack(classifier)
    pictures = attack.pictures(files)
    after = attack.fgsm(pictures, truth)
    answers = []
    for picture, changed in zip(pictures, after, strict=True):
        write_png(tmp_path / "a.png", attack.chain.framed(changed))
        (seen,) = attack.pictures([tmp_path / "a.png"])
        assert np.abs(seen.astype(int) - picture).max() <= 8
        answers.append(classifier.predict([tmp_path / "a.png"])[0].argmax())
    accuracy = [
        np.mean(attack.predict(pictures).argmax(axis=1) == truth),
        np.mean(answers == truth),
    ]
    assert accuracy[0] - accuracy[1] >= 0.3


def test_predict_of_one_output_gives_both_classes():
    network = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    network.layers[-1].set_weights([np.zeros((SIDE * SIDE * 3, 1)), np.array([2.0])])
    predictor = inference.compile(network, engine="keras")
    chain = Pipeline((*BEFORE, *CHAINS["0 to 1"]))
    attack = Attack(training.Bundle(lambda: network, predictor, chain, NAMES[:2], {}))
    answers = attack.predict(np.zeros((2, SIDE, SIDE, 3), np.uint8))
    np.testing.assert_allclose(answers, [[0.119, 0.881]] * 2, atol=1e-3)
