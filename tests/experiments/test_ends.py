"""The ends beside a softmax, the whole way: training, evaluation, bundles, their weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sightkit import _scripts, evaluation, experiments, inference, io, training, zoo
from sightkit._errors import SightkitError
from sightkit.experiments.flags.network import begin
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

NAMES = ("cat", "dog")
CHAIN = Pipeline((SimplePreprocessor(8, 8), ImageToArrayPreprocessor()))


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    epochs: int = 1
    batch_size: int = 8
    data: Path = Path("data.h5")


@pytest.mark.slow
@pytest.mark.parametrize("seed", (1, 2))
def test_sigmoids_are_normalized_in_bundle_and_evaluation(bundle, rng, seed):
    network = resnet("sigmoids", seed)
    network.get_layer("logits").bias.assign([1.0, 1.5])  # the sigmoids' sum is far from 1
    images = rng.random((6, 8, 8, 3), np.float32)
    sigmoids = np.array(network(images))
    with pytest.raises(SightkitError, match="with_normalized_sigmoids"):
        evaluation.evaluate(lambda x: np.array(network(x)), (images, np.arange(6) % 2))
    with pytest.raises(SightkitError, match="with_normalized_sigmoids"):
        bundle(network)
    normalized = zoo.with_normalized_sigmoids(network)
    expected = sigmoids / sigmoids.sum(axis=1, keepdims=True)
    for engine in ("keras", "folded"):
        answer = inference.compile(normalized, engine=engine)
        np.testing.assert_allclose(answer(images), expected, atol=1e-6)
    loaded = training.load_bundle(bundle(normalized))
    np.testing.assert_allclose(loaded.predictor(images), expected, atol=1e-6)
    fresh = resnet("sigmoids", 3)
    begin(Config(weights=Path(bundle(normalized))), fresh, None, NAMES, seed=1)
    np.testing.assert_allclose(np.array(fresh(images)), sigmoids, atol=1e-6)


def test_sigmoids_that_are_all_near_zero_still_sum_to_one():
    network = resnet("sigmoids")
    network.get_layer("logits").bias.assign([-200.0, -201.0])
    found = np.array(zoo.with_normalized_sigmoids(network)(np.zeros((1, 8, 8, 3), np.float32)))
    np.testing.assert_allclose(found, [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))]], rtol=1e-4)


@pytest.mark.parametrize("end", ("softmax", "sigmoid", "linear"))
def test_other_ends_are_left_as_they_are(end):
    network = resnet(end)
    assert zoo.with_normalized_sigmoids(network) is network


@pytest.mark.slow
def test_a_regression_is_trained_resumed_and_evaluated(bundle, tmp_path, rng):
    network = resnet("linear")
    network.compile("adam", "mse", metrics=["mae"])
    images = rng.random((80, 8, 8, 3), np.float32)
    images *= rng.random((80, 1, 1, 1), np.float32)
    targets = images.mean(axis=(1, 2))[:, :2] * 4 - 1
    train, held = (images[:64], targets[:64]), (images[64:], targets[64:])
    first = training.fit(network, train, held, run=tmp_path / "run", epochs=2, batch_size=8)
    rows = training.fit(network, train, held, run=tmp_path / "run", epochs=20, batch_size=8)
    assert rows[:2] == first and len(rows) == 20
    assert rows[-1]["val_mae"] < rows[0]["val_mae"] and (tmp_path / "run/curves.png").exists()
    found = evaluation.evaluate_regression(inference.compile(network), held)
    loss = found.metrics["mse"] + sum(map(float, network.losses))  # that of Keras has penalties
    assert loss == pytest.approx(min(row["val_loss"] for row in rows), rel=1e-3)
    assert found.metrics["r2"] > 0
    with pytest.raises(SightkitError, match="evaluate_regression"):
        evaluation.evaluate(inference.compile(network), held)
    with pytest.raises(SightkitError, match=r"regresses.*save_regressor"):
        bundle(network)
    network.save_weights(tmp_path / "mine.weights.h5")
    again = resnet("linear", 2)
    zoo.load_weights(again, tmp_path / "mine.weights.h5")
    np.testing.assert_array_equal(network.get_weights()[0], again.get_weights()[0])


def resnet(end, seed=0):
    """Build a network whose name is not that of its builder."""
    training.prepare(seed=seed)
    small = {"stages": (1,), "filters": (4, 8), "input_shape": (8, 8, 3), "classes": len(NAMES)}
    return zoo.build("resnet_cifar", end=end, **small)


@pytest.fixture
def bundle(tmp_path, rng):
    def write(network, name="bundle"):
        canary = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
        options = {"preprocessing": CHAIN, "class_names": NAMES, "canary": canary}
        return training.save_bundle(tmp_path / name, network, **options)

    return write


@pytest.mark.slow
def test_a_run_begins_from_the_bundle_of_a_sigmoid(bundle):
    trained, fresh = resnet("sigmoid", 1), resnet("sigmoid", 2)
    folder = bundle(trained)
    begin(Config(weights=folder), fresh, None, NAMES, seed=1)
    for mine, theirs in zip(fresh.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(SightkitError, match=r"of the same network.*same --end"):
        begin(Config(weights=folder), resnet("softmax"), None, NAMES, seed=1)
    assert repr(training.load_bundle(folder)) == "<Bundle resnet, 2 classes: cat, dog>"


@pytest.mark.slow
def test_bundles_of_a_sigmoid_are_averaged(bundle):
    networks = [resnet("sigmoid", seed) for seed in (1, 2)]
    loaded = [
        training.load_bundle(bundle(network, f"bundle-{k}")).network
        for k, network in enumerate(networks)
    ]
    averaged = training.average_networks(loaded)
    assert averaged.output_shape == (None, 2)
    pairs = zip(*(network.get_weights() for network in networks), strict=True)
    for found, each in zip(averaged.get_weights(), pairs, strict=True):
        np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-7)
    with pytest.raises(SightkitError, match="built alike"):
        training.average_networks([loaded[0], resnet("softmax")])


@pytest.mark.slow
def test_weights_of_other_classes_name_the_first_that_differ(bundle):
    folder = bundle(resnet("softmax"))
    config = Config(weights=folder)
    with pytest.raises(SightkitError, match=r"classes=2, here=2, first_other='dog', .*here='fox'"):
        begin(config, resnet("softmax"), None, ("cat", "fox"), seed=1)
    with pytest.raises(SightkitError, match=r"here=3, first_other=None, .*here='fox'"):
        begin(config, resnet("softmax"), None, (*NAMES, "fox"), seed=1)


def test_one_sigmoid_for_many_classes_is_refused_before_a_file_is_built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = Pipeline((SimplePreprocessor(8, 8),))
    expected = r"--end sigmoid is for two.*classes=10.*--end sigmoids"
    with experiments.start(Config(end="sigmoid"), "train_x.py", keras=False) as run:
        with pytest.raises(SightkitError, match=expected):
            run.dataset(io.digits, small)
        assert not Path("data.h5").exists()
        run.config = Config()
        assert run.dataset(io.digits, small).classes == 10
        run.config = Config(end="sigmoids")
    with pytest.raises(SightkitError, match=expected):
        Config(end="sigmoid")


def test_what_makes_a_sigmoid_two_answers_is_reported_once(bundle, monkeypatch, capsys):
    monkeypatch.setattr(_scripts, "warned", set())
    for name in ("first", "second"):
        bundle(resnet("sigmoid"), name)
    assert capsys.readouterr().err.count("the first was added") == 1
