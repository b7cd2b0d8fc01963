"""The bundle of a network that regresses numbers."""

import cv2
import keras
import numpy as np
import pytest

from sightkit import training, zoo
from sightkit._errors import SightkitError
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor
from sightkit.training.bundle_format import WEIGHTS

CHAIN = Pipeline((SimplePreprocessor(8, 8), ImageToArrayPreprocessor()))
NAMES = ["angle", "speed"]


def network(end="linear", outputs=2):
    training.prepare(seed=0)
    return zoo.LeNet((8, 8, 3), outputs, end=end)


@pytest.fixture
def photo(rng):
    return rng.integers(0, 256, (20, 14, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, photo):
    return training.save_regressor(
        tmp_path / "bundle",
        network(),
        preprocessing=CHAIN,
        target_names=NAMES,
        canary=photo,
        metrics={"mse": 0.5},
    )


def test_it_answers_photos_as_the_network_answers_their_inputs(folder, photo, rng, tmp_path):
    found = training.load_regressor(folder)
    assert found.target_names == tuple(NAMES) and found.description["metrics"] == {"mse": 0.5}
    photos = [photo, rng.integers(0, 256, (9, 30, 3)).astype(np.uint8), photo[..., :1]]
    as_rgb = [np.repeat(each, 3, axis=2) if each.shape[2] == 1 else each for each in photos]
    expected = np.array(network()(np.stack([CHAIN(each) for each in as_rgb])))
    np.testing.assert_allclose(found.predict(photos), expected, rtol=1e-4, atol=1e-6)
    cv2.imwrite(str(tmp_path / "photo.png"), photo[..., ::-1])
    np.testing.assert_allclose(found.predict(tmp_path / "photo.png"), expected[:1], rtol=1e-4)
    assert found.predict([]).shape == (0, 2)


def test_other_preprocessing_is_noticed(folder, monkeypatch):
    scaled = training.load_regressor(folder)
    monkeypatch.setattr(scaled, "preprocessing", lambda image: CHAIN(image) / 127.5)
    with pytest.raises(SightkitError, match=r"answer to the canary image.*do not trust"):
        scaled.check_canary(folder)


def test_each_loader_names_the_other(folder, tmp_path, photo):
    with pytest.raises(SightkitError, match=r"regresses numbers.*training\.load_regressor"):
        training.load_bundle(folder)
    options = {"preprocessing": CHAIN, "class_names": NAMES, "canary": photo}
    other = training.save_bundle(tmp_path / "other", network("softmax"), **options)
    with pytest.raises(SightkitError, match=r"training\.load_bundle"):
        training.load_regressor(other)


def test_a_damaged_bundle_is_refused(folder):
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(SightkitError, match="not the file that was saved"):
        training.load_regressor(folder)


@pytest.mark.parametrize(
    ("end", "names", "rule"),
    (
        ("softmax", NAMES, r'ends in "linear".*save_bundle'),
        ("linear", ["angle"], "name of its own"),
        ("linear", ["angle", "angle"], "name of its own"),
    ),
)
def test_what_is_no_regressor_is_not_written(end, names, rule, tmp_path, photo):
    options = {"preprocessing": CHAIN, "target_names": names, "canary": photo}
    with pytest.raises(SightkitError, match=rule):
        training.save_regressor(tmp_path / "bundle", network(end), **options)
    assert not (tmp_path / "bundle").exists()


def test_another_keras_network_or_numbers_that_are_none_are_refused(tmp_path, photo):
    options = {"preprocessing": CHAIN, "target_names": "angle", "canary": photo}
    plain = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    with pytest.raises(SightkitError, match=r'network of the zoo that ends in "linear"'):
        training.save_regressor(tmp_path / "bundle", plain, **options)
    broken = network(outputs=1)
    broken.set_weights([np.full_like(each, np.nan) for each in broken.get_weights()])
    with pytest.raises(SightkitError, match=r"must be finite.*diverged"):
        training.save_regressor(tmp_path / "bundle", broken, **options)
    with pytest.raises(SightkitError, match=r"Add a SimplePreprocessor"):
        training.save_regressor(
            tmp_path / "bundle", network(outputs=1), **{**options, "preprocessing": Pipeline(())}
        )
    assert not (tmp_path / "bundle").exists()
