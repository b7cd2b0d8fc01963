"""The fast style network: its loss, training, bundle, and what both scripts refuse."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest

from sightkit import _scripts, io, zoo
from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.apps.generative.fast_style_network import FastStyle
from sightkit.apps.generative.picture_flags import made_up_network
from sightkit.apps.generative.style import TERMS


@pytest.fixture(scope="module")
def train():
    return _scripts.load("generative/train_fast_style")


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    """A smoke run of three epochs: its folder and metrics."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, train.main(train.Config(smoke=True, epochs=3, output=folder))


def photo(height=37, width=50, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_an_untrained_network_gives_photos_of_any_size_back():
    bundle = generative.FastStyleBundle.of(FastStyle((16, 16, 3), filters=(2, 2, 2), blocks=1))
    for each in (photo(), photo(3, 5), photo(1, 1), photo(64, 20)):
        (painted,) = bundle.predict(each)
        np.testing.assert_array_equal(painted, each)
    (painted,) = bundle.predict(photo()[..., :1])
    assert painted.shape == (37, 50, 3)


def test_a_batchs_terms_are_those_of_its_photos():
    loss = generative.open_style(made_up_network(), stages=2)
    photos, painted, style = (
        np.stack([photo(32, 32, seed) for seed in seeds]).astype(np.float32)
        for seeds in ((1, 1), (3, 3), (5, 5))
    )
    targets = loss.targets(photos[0], [(style[0], 1.0)])
    alone, _ = loss(painted[0], targets)
    both = keras.ops.convert_to_numpy(loss.of_batch(photos, painted, targets["grams"]))
    np.testing.assert_allclose(both, alone, rtol=1e-3)
    other = np.stack([painted[0], photos[0]])
    mixed = keras.ops.convert_to_numpy(loss.of_batch(photos, other, targets["grams"]))
    assert mixed[TERMS.index("content")] == pytest.approx(alone[0] / 2, rel=1e-3)


@pytest.mark.slow
def test_a_run_learns_and_leaves_a_bundle_that_paints(trained, tmp_path):
    folder, metrics = trained
    losses = json.loads((folder / "history.json").read_text())["loss"]
    assert losses[-1] < losses[0]
    assert metrics["val"]["loss"] == pytest.approx(sum(metrics["val"][name] for name in TERMS))
    assert io.read_image(folder / "samples.png").std() > 0
    bundle = generative.load_fast_style(folder / "bundle")
    (painted,) = bundle.predict(photo())
    assert painted.shape == (37, 50, 3) and not np.array_equal(painted, photo())
    io.write_png(tmp_path / "a.png", photo())
    io.write_png(tmp_path / "b.png", photo(20, 80))
    paint = _scripts.load("generative/fast_style")
    config = paint.Config(
        (tmp_path / "a.png", tmp_path / "b.png"),
        bundle=folder / "bundle", output=tmp_path / "painted", size=50,
    )  # fmt: skip
    names = paint.main(config)["photos"]
    found = [io.read_image(tmp_path / "painted" / name) for name in names.values()]
    np.testing.assert_array_equal(found[0], painted)
    assert found[1].shape == (12, 50, 3)


def test_a_bundle_notices_another_answer_and_another_picture(trained, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(trained[0] / "bundle", folder)
    bundle = generative.load_fast_style(folder)
    network = zoo.rebuild(zoo.origin(bundle.network))
    network.set_weights([weight + 0.5 for weight in bundle.network.get_weights()])
    with pytest.raises(SightkitError, match="canary"):
        dataclasses.replace(bundle, network=network).check_canary(folder)
    io.write_png(folder / "canary.png", photo())
    with pytest.raises(SightkitError, match=r"canary\.png"):
        generative.load_fast_style(folder)


@pytest.mark.faults
def test_a_stopped_training_resumes_to_the_same_weights(train, trained, tmp_path):
    seen: list[int] = []

    def stop(batch, logs=None):
        seen.append(batch)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    output = tmp_path / "run"
    config = train.Config(smoke=True, epochs=3, output=output)
    with pytest.raises(Exception, match="is saved"):
        train.main(config, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    found = train.main(train.Config(smoke=True, epochs=3, output=output, resume=True))
    assert found["weights_sha256"] == trained[1]["weights_sha256"]


@pytest.mark.parametrize(
    "flags",
    [
        {"patch": 30},
        {"filters": (4, 4)},
        {"validation": 1.0},
        {"style_weight": -1.0},
        {"model": "no_such_network"},
        {"learning_rate": 0.0},
        {"patch": 4},
        {"photo_size": 100, "patch": 124},
    ],
)
def test_flags_out_of_range_are_refused(train, flags):
    with pytest.raises(SightkitError):
        train.Config(smoke=True, **flags)


def test_photos_are_scaled_by_their_shorter_side_and_a_style_is_needed(train, tmp_path):
    with pytest.raises(SightkitError, match="style"):
        train.Config()
    io.write_png(tmp_path / "a.png", photo(40, 40))
    io.write_png(tmp_path / "b.png", photo(300, 21))
    config = train.Config(data=tmp_path, style=tmp_path / "a.png", patch=32, photo_size=32)
    photos = config.read_photos()
    shapes = sorted(each.shape for part in photos.values() for each in part.values())
    assert shapes[0] == (32, 32, 3) and shapes[1][1] >= 32


@pytest.mark.parametrize("shape", [(30, 32, 3), (32, 32, 1), (32, 32), (0, 32, 3)])
def test_a_shape_that_it_cannot_paint_is_refused(shape):
    with pytest.raises(SightkitError):
        FastStyle(shape)
