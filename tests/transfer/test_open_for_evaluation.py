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
        place / "bundle",
        networks,
        features,
        head,
        metrics={},
        settings={},
        training_rows=trained.training_rows,
    )
    return transfer.load(place / "bundle"), features, trained


@pytest.mark.slow
def test_open_for_evaluation_of_a_file_predicts_as_its_features(pair, tmp_path):
    classifier, features, trained = pair
    data, answer = transfer.open_for_evaluation(classifier, write(tmp_path / "same.h5", CHAIN))
    found = evaluation.evaluate(answer, data.batches)
    assert data.notes == [] and data.seen == set()
    assert np.allclose(found.probabilities, trained.test.probabilities, atol=1e-5)
    assert np.array_equal(found.labels, trained.test.labels)
    everything = classifier.head.predict_proba(features.take(slice(None)))
    data, answer = transfer.open_for_evaluation(classifier, tmp_path / "same.h5", split="train")
    assert np.allclose(evaluation.evaluate(answer, data.batches).probabilities, everything[:24],
                       atol=1e-5)  # fmt: skip
    assert data.seen == set(range(24))
    assert "trained on 24 of these 24" in data.notes_on(24)[-1]


def test_rows_that_were_prepared_otherwise_are_taken_as_photos(pair, tmp_path):
    classifier, _, _ = pair
    other = Pipeline((SimplePreprocessor(8, 8), SimplePreprocessor(40, 40)))
    data, answer = transfer.open_for_evaluation(classifier, write(tmp_path / "other.h5", other))
    assert len(data.notes) == 1 and "taken as photos" in data.notes[0]
    assert data.seen is None and "not known" in data.notes_on(12)[-1]
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
    assert data.seen == set()


def trained_on(photos, place):
    """Train a head on a folder; the names of its training photos, and the bundle."""
    network = transfer.open_network("minivggnet", random=True)
    features = transfer.extract_features(network, transfer.open_photos(photos), place / "f.h5")
    settings = transfer.HeadSettings()
    rows, _ = transfer.head_rows(features, settings)
    trained = transfer.train_head(features, settings)
    transfer.save_feature_classifier(
        place / "bundle",
        [network],
        features,
        trained.fitted.head,
        metrics={},
        settings={},
        training_rows=trained.training_rows,
    )
    return {features.sources()[row] for row in rows}, place / "bundle"


def seen_among(bundle, photos):
    data, answer = transfer.open_for_evaluation(transfer.load(bundle), photos)
    count = len(evaluation.evaluate(answer, data.batches).labels)
    names = data.batches.source.identify
    return {names(row) for row in data.seen}, data.notes_on(count)


@pytest.mark.slow
@pytest.mark.parametrize("grown", (False, True))
def test_a_head_knows_the_photos_of_a_folder_it_was_trained_on(grown, folder, tmp_path):
    """Also those whose features stayed when the folder grew; a copy elsewhere, of another name."""
    if grown:
        later = tmp_path / "later.png"
        (folder / "china" / "5.png").rename(later)
        trained_on(folder, tmp_path)
        later.rename(folder / "china" / "5.png")
    trained, bundle = trained_on(folder, tmp_path)
    assert 15 < len(trained) < 24
    found, notes = seen_among(bundle, folder)
    assert found == trained
    assert f"trained on {len(trained)} of these 24" in notes[-1]
    for name in trained:
        (folder / name).rename(folder / name.replace(".png", "-copy.png"))
    assert {name.replace("-copy", "") for name in seen_among(bundle, folder)[0]} == trained
    for path in folder.rglob("*.png"):
        io.write_png(path, 255 - io.read_image(path))
    assert seen_among(bundle, folder) == (set(), [])


def test_features_that_do_not_say_their_photos_warn_that_it_is_not_known(
    folder, tmp_path, monkeypatch
):
    """Of an extraction by an earlier version, grown by this one."""
    add = io.HDF5DatasetWriter.add
    with monkeypatch.context() as patch:
        patch.setattr(
            io.HDF5DatasetWriter, "add", lambda *a, originals=None, **options: add(*a, **options)
        )
        trained_on(folder, tmp_path)
    io.write_png(folder / "china" / "new.png", np.zeros((40, 40, 3), np.uint8))
    _, bundle = trained_on(folder, tmp_path)
    classifier = transfer.load(bundle)
    assert classifier.training_rows is None
    data, _ = transfer.open_for_evaluation(classifier, folder)
    assert "not known" in data.notes_on(24)[-1]


def test_other_classes_are_refused(pair, tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        io.write_png(tmp_path / name / "1.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(SightkitError, match=r"unknown=.*'cats'.*missing=.*'dark', 'light'"):
        transfer.open_for_evaluation(pair[0], tmp_path)
