"""Features as a step of scikit-learn's pipelines: right, shared by clones, small when stored."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sightkit import io, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.inference import engines
from sightkit.training import save_bundle
from sightkit.transfer import FeatureExtractor, FeatureNetwork, feature_extractor
from sightkit.transfer.network_sources import plain_chain

ROOT = Path(__file__).parents[2]
DATA = os.environ.get("SIGHTKIT_TEST_DATA")
LAZY = """
import sys
from sightkit import transfer
assert "sklearn" not in sys.modules
extractor = transfer.FeatureExtractor("mobilenetv2_0.36")
try:
    extractor.fit([sys.executable])
except Exception as error:
    print(error)
assert "keras" not in sys.modules
"""
UNPICKLED = """
import pickle, sys
import numpy as np
extractor, photos = pickle.load(sys.stdin.buffer)
np.save(sys.argv[1], extractor.transform(photos))
"""


@pytest.fixture
def photos(folder):
    return sorted(folder.glob("*/*.png"))


@pytest.fixture
def made(monkeypatch):
    """What was made since: networks that were opened, engines that were compiled, batches."""
    monkeypatch.setattr(feature_extractor, "_held", {})
    made = {"opened": 0, "compiled": 0, "batches": 0}

    def count(owner, name, what):
        original = getattr(owner, name)

        def counted(*arguments, **options):
            made[what] += 1
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    count(feature_extractor, "open_network", "opened")
    count(FeatureNetwork, "features", "batches")
    count(engines, "_folded", "compiled")
    monkeypatch.setattr(engines, "MAKERS", {"folded": engines._folded})
    return made


def extractor(**options):
    return FeatureExtractor("minivggnet", random=True, **options)


def test_features_are_those_of_the_network(photos):
    images = [io.read_image(path) for path in photos]
    images[3] = images[3][:40, :50]
    network = transfer.open_network("minivggnet", random=True, layer="dense1", crops=2)
    expected = np.concatenate([network.features(network.prepare([image])) for image in images])
    ours = extractor(layer="dense1", crops=2)
    features = ours.fit(images).transform(images)
    assert features.dtype == np.float32 and features.shape == (24, ours.n_features_out_)
    assert np.allclose(features, expected, rtol=1e-4, atol=1e-5)


def test_paths_strings_and_arrays_give_the_same(photos):
    ours = extractor()
    features = ours.fit_transform(photos)
    images = [io.read_image(path) for path in photos]
    for same in (list(map(str, photos)), np.array(list(map(str, photos))), images):
        assert np.array_equal(ours.transform(same), features)
    grey = np.stack([image[:64, :64, :1] for image in images])
    assert np.array_equal(ours.transform(grey), ours.transform(np.repeat(grey, 3, axis=3)))
    assert not np.array_equal(ours.transform(grey), features)


def test_five_folds_open_and_compile_one_network(photos, made):
    labels = [photo.parent.name for photo in photos]
    model = make_pipeline(extractor(engine="folded"), StandardScaler(), LogisticRegression())
    scores = cross_val_score(model, photos[1:], labels[1:], cv=5, error_score="raise")
    assert (made["opened"], made["compiled"]) == (1, 1)
    features = model[0].fit_transform(photos[1:])
    assert np.allclose(scores, cross_val_score(model[1:], features, labels[1:], cv=5))
    assert len(feature_extractor._held) == 2


def test_engine_goes_by_the_photos_that_were_fitted(photos, made, monkeypatch):
    for module in (feature_extractor, engines):
        monkeypatch.setattr(module, "break_even", lambda network: 20)
    few, many = extractor().fit(photos[:19]), extractor().fit(photos[:20])
    assert (few.network_["engine"], many.network_["engine"]) == ("keras", "folded")
    for number in (21, 24):
        assert extractor().fit(photos[:number]).network_["engine"] == "folded"
    features = few.transform(photos)
    assert np.allclose(many.transform(photos[:3]), features[:3], rtol=1e-3, atol=1e-5)
    assert (made["opened"], made["compiled"]) == (1, 1)


def test_networks_that_are_held_are_few(photos, made, monkeypatch):
    monkeypatch.setattr(feature_extractor, "MOST", 2)
    first = extractor().fit(photos)
    extractor(layer="block1_conv1").fit(photos)
    assert len(feature_extractor._held) == 2 and made["opened"] == 2
    assert first.transform(photos).shape == (24, 64)
    assert len(feature_extractor._held) == 2 and made["opened"] == 3


def test_a_pickled_extractor_is_small_and_opens_its_network(photos, made):
    ours = extractor(engine="folded").fit(photos)
    stored = pickle.dumps(ours)
    assert len(stored) < 4000
    feature_extractor._held.clear()
    again = pickle.loads(stored)
    assert np.array_equal(again.transform(photos), ours.transform(photos))
    assert (made["opened"], made["compiled"]) == (2, 2)


@pytest.mark.slow
def test_a_pickled_extractor_works_in_a_new_process(photos, tmp_path):
    ours = extractor().fit(photos)
    stored = pickle.dumps((ours, photos))
    command = [sys.executable, "-c", UNPICKLED, str(tmp_path / "features.npy")]
    subprocess.run(command, input=stored, check=True, timeout=300)
    there = np.load(tmp_path / "features.npy")
    assert np.allclose(there, ours.transform(photos), rtol=1e-4, atol=1e-6)


def test_a_pipeline_with_memory_computes_once(photos, made, tmp_path):
    labels = [photo.parent.name for photo in photos]

    def fitted(**options):
        steps = (extractor(**options), LogisticRegression())
        return make_pipeline(*steps, memory=str(tmp_path / "memory")).fit(photos, labels)

    first = fitted()
    batches = made["batches"]
    feature_extractor._held.clear()
    second = fitted()
    assert batches == made["batches"] and made["opened"] == 1
    assert np.array_equal(first.predict(photos), second.predict(photos))
    batches = made["batches"]
    fitted(layer="block1_conv1")
    assert made["batches"] > batches


def test_parameters_are_stored_as_given_and_cloned(photos):
    place = Path("minivggnet")
    ours = FeatureExtractor(place, random=True, crops=2)
    assert ours.model is place and ours.get_params()["crops"] == 2
    other = clone(ours).set_params(pool="flatten", layer="block1_conv1")
    assert (ours.layer, other.layer) == (None, "block1_conv1")
    assert other.fit_transform(photos[:2]).shape == (2, 32 * 32 * 32)
    with pytest.raises(NotFittedError):
        ours.transform(photos)
    names = ours.fit(photos).get_feature_names_out()
    assert names[[0, -1]].tolist() == ["featureextractor0", "featureextractor63"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    (
        (lambda photos: str(photos[0]), "Photos are a list.*china/0.png.*into a list"),
        (lambda photos: [], "at least one.*photos=0"),
        (lambda photos: [*photos, np.zeros((9, 9, 3), np.uint8)], "not both.*PosixPath, ndarray"),
        (lambda photos: [1, 2], "kinds='int'"),
        (lambda photos: [*photos, "nowhere.png"], "No such file.*nowhere.png"),
        (lambda photos: [photos[0].parent], "this is a folder.*china.*paths of the files in it"),
        (lambda photos: [np.zeros((9, 9, 3), np.float32)], "An image is uint8.*float32"),
        (lambda photos: np.zeros((9, 9, 3), np.uint8), r"An image is uint8.*\(9, 3\)"),
    ),
)
def test_photos_of_another_kind_are_refused_by_fit(spoil, message, photos, made):
    with pytest.raises(SightkitError, match=f"(?s){message}"):
        extractor().fit(spoil(photos))
    assert made["opened"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    (
        ({"model": "minivggnot"}, "minivggnet"),
        ({"crops": 3}, "crops must be"),
        ({"engine": "tensorrt"}, "engine is one of"),
        ({"engine": "keras", "precision": "bfloat16"}, "Leave out engine or precision"),
        ({"precision": "float16"}, "computes in float32 or bfloat16"),
    ),
)
def test_parameters_are_checked_before_a_network_opens(options, message, photos, made):
    with pytest.raises(SightkitError, match=message):
        extractor().set_params(**options).fit(photos)
    assert made["opened"] == 0


def test_a_photo_that_cannot_be_read_is_named(photos):
    ours = extractor().fit(photos)
    photos[20].write_bytes(photos[20].read_bytes()[:900])
    with pytest.raises(SightkitError, match=f"image that can be decoded.*{photos[20].name}"):
        ours.transform(photos)


def test_features_that_are_not_finite_are_refused(photos, monkeypatch):
    ours = extractor().fit(photos)
    network = list(feature_extractor._held.values())[-1]
    bad = np.zeros((24, 64), np.float32)
    bad[7] = np.nan
    monkeypatch.setattr(type(network), "features", lambda self, prepared: bad[: len(prepared)])
    with pytest.raises(SightkitError, match=f"finite numbers.*{photos[7].name}"):
        ours.transform(photos)
    with pytest.raises(SightkitError, match=r"finite numbers.*number 7"):
        ours.transform([io.read_image(photo) for photo in photos])


@pytest.mark.slow
def test_a_network_that_changed_since_is_refused(photos, tmp_path):
    def write(seed):
        keras.utils.set_random_seed(0)
        network = zoo.build("minivggnet", **zoo.published_arguments("minivggnet"))
        network.layers[1].bias.assign(np.full(network.layers[1].bias.shape, seed))
        chain = plain_chain(network.input_shape[1:])
        names = [str(number) for number in range(network.output_shape[-1])]
        image = io.read_image(photos[0])
        save_bundle(tmp_path / "b", network, preprocessing=chain, class_names=names, canary=image)

    write(0.0)
    ours = FeatureExtractor(tmp_path / "b").fit(photos)
    before = ours.transform(photos)
    write(0.5)
    with pytest.raises(SightkitError, match=r"differs in weights_sha256.*Fit again"):
        ours.transform(photos)
    assert not np.allclose(ours.fit(photos).transform(photos), before)
    with pytest.raises(SightkitError, match="differs in layer, pool, weights_sha256"):
        ours.set_params(layer="block1_conv1", pool="flatten").transform(photos)
    (tmp_path / "b" / "bundle.json").unlink()
    with pytest.raises(SightkitError, match="bundle"):
        ours.transform(photos)


@pytest.mark.slow
def test_sklearn_and_keras_are_imported_when_used():
    result = subprocess.run(
        [sys.executable, "-c", LAZY], capture_output=True, text=True, check=True, timeout=300
    )
    assert "mobilenetv2_0.35" in result.stdout


def test_the_example_of_the_docs_runs(folder, monkeypatch, capsys):
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (code,) = (example for example in examples if "FeatureExtractor" in example)
    code = code.replace('"mobilenetv2_0.35"', '"minivggnet", random=True')
    folder.rename(folder.parent / "PHOTOS")
    monkeypatch.chdir(folder.parent)
    exec(code, {})
    assert float(capsys.readouterr().out) > 0.7


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="SIGHTKIT_TEST_DATA is not set")
def test_pretrained_features_tell_animals_apart(monkeypatch, made):
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", f"{DATA}/keras", raising=False)
    monkeypatch.setenv("KERAS_HOME", f"{DATA}/keras")
    photos = sorted(Path(str(DATA)).glob("animals/*/*.jpg"))[::6]
    labels = [photo.parent.name for photo in photos]
    model = make_pipeline(
        FeatureExtractor("mobilenetv2_0.35"),
        StandardScaler(),
        LogisticRegressionCV(
            l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False, max_iter=1000
        ),
    )
    assert cross_val_score(model, photos, labels, cv=5).mean() > 0.9
    assert made["opened"] == 1
