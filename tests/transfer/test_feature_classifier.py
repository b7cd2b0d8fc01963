"""Networks with a head: the same answers after a round trip, and never with another network."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from sightkit import io, training, transfer
from sightkit._errors import SightkitError
from sightkit.training.bundle_format import digest
from sightkit.transfer.heads.fitting import HeadKind

PHOTOS = ("china/0.png", "flower/3.png", "flower/11.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_network):
    """Photos, their features, and a run folder with a bundle of two networks."""
    place = tmp_path_factory.mktemp("bundle")
    (place / "photos").mkdir()
    io.write_sample_photos(place / "photos")
    other = transfer.open_network("minivggnet", random=True, layer="block1_pool", crops=2)
    for name, network in (("a.h5", small_network), ("b.h5", other)):
        photos = transfer.open_photos(place / "photos")
        transfer.extract_features(network, photos, place / name)
    features = transfer.open_features([place / "a.h5", place / "b.h5"])
    judged = transfer.train_head(features, transfer.HeadSettings())
    networks = transfer.networks_of(features)
    transfer.save_feature_classifier(
        place / "bundle",
        networks,
        features,
        judged.fitted.head,
        metrics=judged.metrics,
        settings={},
    )
    return place


@pytest.fixture
def bundle(trained, tmp_path):
    """A copy of the bundle that may be spoilt."""
    shutil.copytree(trained / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.slow
def test_fast_forms_are_kept_in_the_folder_that_is_named(trained, tmp_path):
    pytest.importorskip("openvino")
    classifier = transfer.load(trained / "bundle", images=10**9, cache=tmp_path)
    assert {network.predictor.engine for network in classifier.networks} == {"openvino"}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_photos_paths_and_feature_files_are_answered_alike(trained):
    classifier = transfer.load(trained / "bundle")
    paths = [trained / "photos" / name for name in PHOTOS]
    answers = classifier.predict(paths)
    assert answers.shape == (3, 2) and answers.dtype == np.float32
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(answers, classifier.predict([io.read_image(path) for path in paths]))
    features = transfer.open_features([trained / "a.h5", trained / "b.h5"])
    rows = [features.sources().index(name) for name in PHOTOS]
    assert np.allclose(
        classifier.head.predict_proba(features.take(slice(None)))[rows], answers, atol=1e-4
    )
    assert classifier.top(answers, 1)[1].keys() == {"flower"}
    assert classifier.predict([]).shape == (0, 2)


def test_a_bundle_holds_no_code_and_both_kinds_load_alike(trained):
    names = sorted(path.name for path in (trained / "bundle").iterdir())
    assert names == [
        "bundle.json",
        "canary.png",
        "head.npz",
        "network-0.weights.h5",
        "network-1.weights.h5",
    ]
    with np.load(trained / "bundle" / "head.npz", allow_pickle=False) as file:
        assert set(file.files) == {"weights", "intercepts"}
    description = training.check_bundle(trained / "bundle")
    assert description["kind"] == "features_and_head"
    assert isinstance(transfer.load(trained / "bundle"), transfer.FeatureClassifier)


def test_the_loader_of_networks_names_the_one_for_both_kinds(bundle):
    with pytest.raises(SightkitError, match=r"sightkit\.transfer\.load"):
        training.load_bundle(bundle)


@pytest.mark.parametrize("name", ("head.npz", "network-1.weights.h5", "canary.png"))
@pytest.mark.parametrize("damage", ("changed", "missing"))
def test_a_damaged_file_is_named_before_keras_starts(name, damage, bundle):
    if damage == "missing":
        (bundle / name).unlink()
    else:
        content = bytearray((bundle / name).read_bytes())
        content[len(content) // 2] ^= 1
        (bundle / name).write_bytes(content)
    with pytest.raises(SightkitError, match=f"{name} is missing or not the file"):
        training.check_bundle(bundle)


def test_an_edited_description_is_refused(bundle):
    text = (bundle / "bundle.json").read_text()
    (bundle / "bundle.json").write_text(text.replace('"china"', '"porcelain"'))
    with pytest.raises(SightkitError, match="not as it was written"):
        transfer.load(bundle)


def edit(bundle, change):
    """Change bundle.json and sign it anew, as someone with bad intent would."""
    description = json.loads((bundle / "bundle.json").read_text())
    description.pop("sha256")
    change(description)
    description["sha256"] = digest(description)
    (bundle / "bundle.json").write_text(json.dumps(description))


@pytest.mark.parametrize(
    ("change", "message"),
    (
        (lambda d: d.update(schema=99), "newer version"),
        (lambda d: d["networks"][1].pop("identity"), "networks.1.identity: field required"),
        (lambda d: d["networks"][0]["identity"].update(network=[]), "identity.network"),
        (lambda d: d["networks"][0]["identity"]["network"].update(builder="minivgg"), "minivggnet"),
        (lambda d: d.update(head=[]), "head: input should be an object"),
    ),
)
def test_a_description_is_checked_before_keras_starts(change, message, bundle):
    edit(bundle, change)
    with pytest.raises(SightkitError, match=message):
        training.check_bundle(bundle)


def test_the_canary_finds_what_answers_otherwise(bundle):
    edit(bundle, lambda description: description["canary"].reverse())
    with pytest.raises(SightkitError, match="canary"):
        transfer.load(bundle)


def test_a_network_of_other_weights_is_not_the_features_network(trained):
    features = transfer.open_features([trained / "a.h5"])
    identity = {**features.networks[0], "weights_sha256": "f" * 64}
    changed = transfer.Features(features.files, (identity,))
    with pytest.raises(SightkitError, match="differs in weights_sha256"):
        transfer.networks_of(changed)


@pytest.mark.slow
@pytest.mark.parametrize("head", ("knn", "random_forest", "svm", "squared_svm", "softmax"))
def test_every_head_is_kept(head: HeadKind, trained, small_network, tmp_path):
    features = transfer.open_features([trained / "a.h5"])
    judged = transfer.train_head(features, transfer.HeadSettings(head=head))
    options = {"metrics": judged.metrics, "settings": {}}
    transfer.save_feature_classifier(
        tmp_path / "bundle", [small_network], features, judged.fitted.head, **options
    )
    again = transfer.load(tmp_path / "bundle")
    expected = judged.fitted.head.predict_proba(features.take(slice(None)))
    assert np.allclose(again.head.predict_proba(features.take(slice(None))), expected, atol=1e-6)


def test_a_folder_without_a_bundle_is_told(tmp_path):
    with pytest.raises(SightkitError, match="A bundle is a folder"):
        training.check_bundle(tmp_path)
