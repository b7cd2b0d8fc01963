"""Networks with a head on data of either kind: evaluation gives their own answers."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import evaluation, io, transfer
from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline, SimplePreprocessor

CHAIN = Pipeline((SimplePreprocessor(40, 40),))


def write(path, chain):
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 2
    images = rng.integers(0, 128, (36, 40, 40, 3)) + 100 * labels[:, None, None, None]
    with io.HDF5DatasetWriter(
        (36, 40, 40, 3),
        path,
        class_names=["dark", "light"],
        splits={"train": 24, "test": 12},
        preprocessing=chain.to_config() if chain else {},
    ) as writer:
        writer.add(images.astype(np.uint8), labels)
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Trained on a file whose rows had been resized before they were stored."""
    place = tmp_path_factory.mktemp("trained")
    network = transfer.open_network("minivggnet", random=True)
    photos = transfer.open_photos(write(place / "data.h5", CHAIN))
    features = transfer.extract_features(network, photos, place / "f.h5")
    trained = transfer.train_head(features, transfer.HeadSettings())
    head, networks = trained.fitted.head, transfer.networks_of(features)
    transfer.save_feature_classifier(
        place / "bundle", networks, features, head, metrics={}, settings={}
    )
    return transfer.load(place / "bundle"), features, trained


def test_open_for_evaluation_of_a_file_predicts_as_its_features(pair, tmp_path):
    classifier, features, trained = pair
    data, answer = transfer.open_for_evaluation(classifier, write(tmp_path / "same.h5", CHAIN))
    found = evaluation.evaluate(answer, data.batches)
    assert data.notes == [] and data.seen is None
    assert np.allclose(found.probabilities, trained.test.probabilities, atol=1e-5)
    assert np.array_equal(found.labels, trained.test.labels)
    everything = classifier.predict_features(features)
    data, answer = transfer.open_for_evaluation(classifier, tmp_path / "same.h5", split="train")
    assert np.allclose(evaluation.evaluate(answer, data.batches).probabilities, everything[:24],
                       atol=1e-5)  # fmt: skip


def test_rows_that_were_prepared_otherwise_are_taken_as_photos(pair, tmp_path):
    classifier, _, _ = pair
    other = Pipeline((SimplePreprocessor(8, 8), SimplePreprocessor(40, 40)))
    data, answer = transfer.open_for_evaluation(classifier, write(tmp_path / "other.h5", other))
    assert len(data.notes) == 1 and "taken as photos" in data.notes[0]
    calls = []
    spied = SimplePreprocessor.__call__

    def call(self, image):
        calls.append(self)
        return spied(self, image)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimplePreprocessor, "__call__", call)
        found = evaluation.evaluate(answer, data.batches)
    assert len(found.labels) == 12 and calls == [SimplePreprocessor(40, 40)] * 12


def test_open_for_evaluation_counts_bad_photos_of_a_folder(pair, tmp_path, rng):
    classifier, _, _ = pair
    for name in ("light", "dark"):
        (tmp_path / name).mkdir()
        for side in range(20, 60):
            image = rng.integers(0, 256, (side, 30, 3)).astype(np.uint8)
            io.write_png(tmp_path / name / f"{side}.png", image)
    (tmp_path / "dark" / "bad.png").write_bytes(b"no photo")
    data, answer = transfer.open_for_evaluation(classifier, tmp_path)
    found = evaluation.evaluate(answer, data.batches)
    assert list(data.bad) == ["dark/bad.png"]
    paths = sorted(path for path in tmp_path.rglob("*.png") if path.name != "bad.png")
    assert np.allclose(found.probabilities, classifier.predict(paths), atol=1e-5)
    assert [found.class_names[label] for label in found.labels] == [p.parent.name for p in paths]
    assert data.batches.images(slice(0, 2)).shape == (2, 224, 224, 3)


def test_other_classes_are_refused(pair, tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        io.write_png(tmp_path / name / "1.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(SightkitError, match=r"unknown=.*'cats'.*missing=.*'dark', 'light'"):
        transfer.open_for_evaluation(pair[0], tmp_path)
