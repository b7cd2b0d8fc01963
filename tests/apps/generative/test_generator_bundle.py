"""The bundle of a generator, and the script that draws with it."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pytest

from sightkit import io, training, zoo
from sightkit._errors import SightkitError
from sightkit.apps.generative.generator_bundle import load_generator, save_generator
from sightkit.apps.generative.latent import draw_latents
from sightkit.apps.generative.pixel_range import to_uint8
from sightkit.training.bundle_format import DESCRIPTION, digest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A colour generator whose pictures have contrast, as a trained one's have."""
    keras.utils.set_random_seed(3)
    network = zoo.DCGANGenerator((8, 12, 3), noise=6, filters=(6, 4), hidden=None, kernel=4)
    kernel, bias = network.get_layer("up2").get_weights()
    network.get_layer("up2").set_weights([10 * kernel, bias])
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    return save_generator(folder, network, metrics={"test": {"count": 4}}), network


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "bundle")


def edit(folder, change):
    path = folder / DESCRIPTION
    found = json.loads(path.read_text())
    found.pop("sha256")
    change(found)
    path.write_text(json.dumps({**found, "sha256": digest(found)}))


def test_it_draws_what_the_network_draws(made):
    folder, network = made
    bundle = load_generator(folder)
    latents = draw_latents(5, 6, seed=8)
    expected = to_uint8(np.asarray(network(latents, training=False)))
    found = bundle.predict(latents)
    assert found.shape == (5, 8, 12, 3) and found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(bundle.predict(5, seed=8), found)
    np.testing.assert_array_equal(bundle.predict(latents[0]), found[:1])
    assert (bundle.predict(5, seed=9) != found).any()
    assert "latent 6" in repr(bundle)


@pytest.mark.parametrize("latents", (np.zeros((2, 5)), np.zeros((1, 1, 6)), 0, -1))
def test_other_latents_are_refused(made, latents):
    with pytest.raises(SightkitError, match=r"Latent vectors|At least one"):
        load_generator(made[0]).predict(latents)


def test_other_weights_are_noticed(made, copy):
    zoo.rebuild(zoo.origin(made[1])).save_weights(copy / "model.weights.h5")
    with pytest.raises(SightkitError, match="damaged"):
        load_generator(copy)


CHANGES = {
    "latent": lambda d: d.update(latent=[0.1] * 6),
    "length": lambda d: d.update(latent=d["latent"][:5]),
    "noise": lambda d: d.update(noise="gamma"),
    "network": lambda d: d["network"]["arguments"].update(kernel=5),
    "builder": lambda d: d["network"].update(builder="nothing"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_description_is_noticed(copy, name):
    edit(copy, CHANGES[name])
    with pytest.raises(SightkitError):
        load_generator(copy)


def test_a_changed_picture_is_noticed(copy):
    picture = io.read_image(copy / "canary.png")
    io.write_png(copy / "canary.png", picture // 2)
    edit(copy, lambda d: d["files"].update({"canary.png": sha256(copy / "canary.png")}))
    with pytest.raises(SightkitError, match="the canary's picture as it did"):
        load_generator(copy)


def sha256(path):
    from sightkit import _files

    return _files.sha256(path)


def test_it_is_no_classifier(made):
    with pytest.raises(SightkitError, match=r"a generator of pictures.*sample_dcgan"):
        training.load_bundle(made[0])


@pytest.mark.slow
def test_the_script_draws_sheets(made, script, tmp_path):
    result = script("generative/sample_dcgan", "--bundle", made[0], "--count", 7, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "7 samples are in samples.png." in result.stdout
    sheet = io.read_image(tmp_path / "samples.png")
    assert sheet.shape[1] > sheet.shape[0]
    result = script(
        "generative/sample_dcgan", "--bundle", made[0], "--count", 3, "--walk", 4,
        "--output", "walk.png", cwd=tmp_path,
    )  # fmt: skip
    assert result.code == 0 and "12 samples" in result.stdout


@pytest.mark.parametrize(
    ("flags", "told"),
    (
        (("--count", 0), "--count must be at least 1"),
        (("--count", 10_001), "Give --count 10000,"),
        (("--count", 101, "--walk", 100), "Give --count 100,"),
        (("--output", "samples.jpg"), "must end in .png"),
        (("--bundle", "nowhere"), "A bundle is a folder with bundle.json"),
        (("--output", "taken.png"), "--overwrite"),
    ),
)
def test_the_script_refuses_before_keras(made, script, tmp_path, flags, told):
    (tmp_path / "taken.png").write_bytes(b"mine")
    result = script("generative/sample_dcgan", "--bundle", made[0], *flags, cwd=tmp_path)
    assert result.code == 2 and told in result.stderr and result.heavy == ""
    assert (tmp_path / "taken.png").read_bytes() == b"mine"
