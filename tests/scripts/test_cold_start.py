"""Commands that find a network's compiled form answer without Keras, and as Keras answers."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pytest

from sightkit import _files, inference, io, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.inference import openvino_engine, saved_form
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
)

pytest.importorskip("openvino")

CHAIN = Pipeline(
    (ColourPreprocessor(), AspectAwarePreprocessor(32, 32), ImageToArrayPreprocessor())
)


def save(folder, seed):
    keras.utils.set_random_seed(seed)
    network = zoo.MiniVGGNet((32, 32, 3), 3)
    canary = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    names = ("ant", "bee", "cat")
    return training.save_bundle(
        folder, network, preprocessing=CHAIN, class_names=names, canary=canary
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Photos, bundles of both kinds, and the folder of compiled networks of this place's user."""
    place = tmp_path_factory.mktemp("cold")
    io.write_sample_photos(place / "photos")
    bundle = save(place / "network", 1)
    network = transfer.open_network(bundle, crops=2)
    photos = transfer.open_photos(place / "photos")
    features = transfer.extract_features(network, photos, place / "features.h5")
    head = transfer.train_head(features, transfer.HeadSettings()).fitted.head
    networks = transfer.networks_of(features)
    transfer.save_feature_classifier(
        place / "head", networks, features, head, metrics={}, settings={}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        for kind in ("network", "head"):
            transfer.load(place / kind, cache=_files.user_cache("compiled"))
        transfer.open_network(bundle, crops=2, cache=_files.user_cache("compiled"))
        yield place


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "backend"), (("network", "tensorflow"), ("head", "jax")))
def test_predict_needs_no_keras(kind, backend, place, script, tmp_path, monkeypatch):
    photo = next(place.glob("photos/*/0.png"))
    given = ("--bundle", place / kind, "--top", 99, "--output", tmp_path / "a.json")
    monkeypatch.setenv("KERAS_BACKEND", backend)  # a process of its own, no fork
    result = script("predict", photo, *given)
    assert (result.code, result.heavy, result.stderr) == (0, "", "")
    (classes,) = json.loads((tmp_path / "a.json").read_text()).values()
    answer = {row["class"]: row["probability"] for row in classes}
    by_keras = transfer.load(place / kind)
    expected = by_keras.top(by_keras.predict([photo]), 99)[0]
    assert answer == pytest.approx(expected, abs=1e-4)


def test_extract_features_needs_no_keras(place, script, tmp_path):
    given = ("--model", place / "network", "--crops", 2, "--data", place / "photos")
    result = script("extract_features", *given, "--output", tmp_path / "f.h5")
    assert (result.code, result.heavy) == (0, ""), result.stderr
    cold, by_keras = (
        transfer.open_features([f]) for f in (tmp_path / "f.h5", place / "features.h5")
    )
    assert cold.sources() == by_keras.sources()
    assert np.allclose(cold.take(slice(None)), by_keras.take(slice(None)), atol=1e-4)
    differ = {key for key, value in cold.networks[0].items() if value != by_keras.networks[0][key]}
    assert differ == {"engine"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", ((), pytest.param(("--engine", "openvino"), marks=pytest.mark.slow))
)
def test_a_folder_that_grew_needs_no_keras(engine, place, script, tmp_path):
    photos = tmp_path / "photos"
    shutil.copytree(place / "photos", photos)
    given = ("--model", place / "network", "--crops", 2, "--data", photos, *engine)
    first, *_ = sorted(photos.glob("*/*"))
    count = len(list(photos.glob("*/*")))
    steps = (
        (lambda: None, count),
        (first.unlink, count - 1),
        (lambda: io.write_png(first, np.full((40, 50, 3), 99, np.uint8)), count),
    )
    for change, wanted in steps:
        change()
        result = script("extract_features", *given, "--output", tmp_path / "f.h5")
        assert (result.code, result.heavy) == (0, ""), result.stderr
        assert transfer.open_features(tmp_path / "f.h5").shape[0] == wanted


@pytest.fixture
def bundle(tmp_path):
    return save(tmp_path / "bundle", 1)


@pytest.mark.faults
def test_a_damaged_form_is_made_anew_with_a_warning(bundle, tmp_path, capsys):
    first = training.load_bundle(bundle, cache=tmp_path / "cache")
    (form,) = (tmp_path / "cache").iterdir()
    original = form.read_bytes()
    form.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    again = training.load_bundle(bundle, cache=tmp_path / "cache")
    assert f"{form} is damaged" in capsys.readouterr().err
    assert len(list((tmp_path / "cache").iterdir())) == 1
    images = [np.full((40, 40, 3), 99, np.uint8)]
    assert np.array_equal(again.predict(images), first.predict(images))
    capsys.readouterr()
    training.load_bundle(bundle, cache=tmp_path / "cache")
    assert capsys.readouterr().err == ""


@pytest.mark.faults
def test_other_weights_have_another_form(bundle, tmp_path):
    images = [np.full((40, 40, 3), 99, np.uint8)]
    for seed, forms in ((1, 1), (2, 2), (1, 2)):
        save(bundle, seed)
        cold = training.load_bundle(bundle, cache=tmp_path / "cache")
        assert cold.predictor.engine == "openvino"
        assert len(list((tmp_path / "cache").iterdir())) == forms
        by_keras = training.load_bundle(bundle)
        assert np.allclose(cold.predict(images), by_keras.predict(images), atol=1e-4)


@pytest.mark.faults
def test_the_builders_code_is_part_of_the_forms_name(bundle, tmp_path, monkeypatch):
    training.load_bundle(bundle, cache=tmp_path / "cache")
    monkeypatch.setattr(zoo, "code_sha256", lambda *_: "other")
    training.load_bundle(bundle, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.slow
def test_the_canary_is_answered_by_the_form(bundle, tmp_path, monkeypatch):
    training.load_bundle(bundle, cache=tmp_path / "cache")
    right = openvino_engine.OpenVinoEngine._answer
    monkeypatch.setattr(
        openvino_engine.OpenVinoEngine, "_answer", lambda self, x: right(self, x)[:, ::-1]
    )
    with pytest.raises(SightkitError, match="canary"):
        training.load_bundle(bundle, cache=tmp_path / "cache")


@pytest.mark.faults
def test_a_cache_that_cannot_be_written_costs_no_answer(bundle, tmp_path, capsys):
    (tmp_path / "cache").write_text("a file stands there")
    cold = training.load_bundle(bundle, cache=tmp_path / "cache")
    assert cold.predictor.engine == "openvino"
    assert "not saved" in capsys.readouterr().err


def test_a_network_that_openvino_refuses_is_answered_by_keras(
    bundle, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("sightkit.inference.engines.convert", lambda network: 1 / 0)
    loaded = training.load_bundle(bundle, cache=tmp_path / "cache")
    assert loaded.predictor.engine == "keras"
    told = capsys.readouterr().err
    assert "OpenVINO cannot convert" in told and "Keras answers" in told
    assert "requested by name" not in told


def test_without_openvino_keras_answers(bundle, tmp_path, monkeypatch):
    def missing():
        raise openvino_engine.UnavailableError("OpenVINO is not installed")

    monkeypatch.setattr(saved_form, "load_openvino", missing)
    loaded = training.load_bundle(bundle, images=1, cache=tmp_path / "cache")
    assert loaded.predictor.engine == "keras"
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_the_network_is_built_when_it_is_used(bundle, tmp_path, monkeypatch):
    training.load_bundle(bundle, cache=tmp_path / "cache")
    monkeypatch.setattr(zoo, "build", lambda *a, **k: 1 / 0)
    cold = training.load_bundle(bundle, cache=tmp_path / "cache")
    monkeypatch.undo()
    assert cold.network is cold.network
    x = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    assert np.allclose(cold.network.predict(x, verbose=0), cold.predictor(x), atol=1e-4)


@pytest.mark.slow
def test_facts_are_saved_with_a_form(tmp_path):
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    for build in (lambda: network, lambda: 1 / 0):
        predictor, facts = inference.load_or_compile(
            {"name": "flat"}, build, tmp_path, facts=lambda: {"sides": [4, 4]}
        )
        assert facts == {"sides": [4, 4]}
        assert predictor.input_shape == (None, 4, 4, 1)
