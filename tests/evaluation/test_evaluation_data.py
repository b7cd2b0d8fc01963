"""Data as a network was trained to see them: rows of files, photos of folders, known images."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import check_data, evaluate, open_data, report_data
from sightkit.io import DatasetFile, HDF5DatasetWriter, Manifest, write_png
from sightkit.preprocessing import (
    BGRPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

TO_ARRAY = ImageToArrayPreprocessor()
OF_FILE = Pipeline((SimplePreprocessor(6, 6), BGRPreprocessor()))
CHAIN = Pipeline((OF_FILE, Pipeline((TO_ARRAY,))))
NAMES = ("ant", "bee")


class Predictor:
    batch_size = 4

    def __init__(self, side=6):
        self.input_shape = (None, side, side, 3)

    def __call__(self, images):
        share = images.mean(axis=(1, 2, 3))
        return np.stack([share, 1 - share], axis=1).astype(np.float32)


def opened(path, *, chain=CHAIN, names=NAMES, side=6, rows=None, **options):
    network = SimpleNamespace(
        predictor=Predictor(side),
        preprocessing=chain,
        class_names=names,
        training_rows=rows,
    )
    return open_data(path, network, **options)


@pytest.fixture
def photos(tmp_path, rng):
    """Five photos of each class, ants dark; numbers 0-4 and 5-9 in order of their names."""
    images = []
    for label, name in enumerate(NAMES):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(5):
            images.append(rng.integers(120 * label, 120 * label + 120, (9, 8, 3)).astype(np.uint8))
            write_png(tmp_path / "photos" / name / f"{k}.png", images[-1])
    return tmp_path / "photos", images


@pytest.fixture
def file(photos, tmp_path):
    """A dataset file of these photos: 0-3 train, the others test."""
    _, images = photos
    with HDF5DatasetWriter(
        (10, 6, 6, 3),
        tmp_path / "photos.h5",
        class_names=NAMES,
        splits={"train": 4, "test": 6},
        preprocessing=OF_FILE.to_config(),
    ) as writer:
        writer.add(OF_FILE.batch(images), np.repeat([0, 1], 5))
    return tmp_path / "photos.h5"


def test_rows_go_through_what_they_have_not_been_through_yet(file, photos):
    data = opened(file)
    found = evaluate(Predictor(), data.batches)
    expected = Predictor()(np.stack([CHAIN(image) for image in photos[1][4:]]))
    np.testing.assert_array_equal(found.probabilities, expected)
    assert data.notes == []


def test_rows_of_another_file_are_taken_as_photos_with_a_warning(file, photos):
    other = Pipeline((SimplePreprocessor(5, 5), TO_ARRAY))
    data = opened(file, chain=other, side=5)
    found = evaluate(Predictor(), data.batches)
    rows = DatasetFile.open(file).memmap()[4:]
    np.testing.assert_array_equal(found.probabilities, Predictor()(other.batch(rows)))
    assert "taken as photos" in data.notes[0]
    # Whether its rows were trained on cannot be told: they were made in another way.
    manifest = Manifest(Manifest.of(DatasetFile.open(file)).keys, other.to_config())
    assert opened(file, chain=other, side=5, rows=manifest).seen is None


def test_a_folder_is_preprocessed_as_in_training_in_any_order(photos):
    folder, images = photos
    data = opened(folder, names=NAMES[::-1])
    found = evaluate(Predictor(), data.batches)
    np.testing.assert_array_equal(
        found.probabilities, Predictor()(np.stack([CHAIN(image) for image in images]))
    )
    assert found.labels.tolist() == [1] * 5 + [0] * 5
    assert data.batches.images(np.array([0, 9])).shape[0] == 2


def test_unreadable_photos_are_named_and_the_rest_evaluated(photos, capsys):
    folder, images = photos
    for name in ("ant/0.png", "ant/1.png", "ant/2.png", "ant/3.png", "bee/4.png"):
        (folder / name).write_bytes(b"no photo")  # the first batch, and the end of the last
    data = opened(folder)
    found = evaluate(Predictor(), data.batches)
    assert found.labels.tolist() == [0, 1, 1, 1, 1]
    expected = Predictor()(np.stack([CHAIN(images[k]) for k in (4, 5, 6, 7, 8)]))
    np.testing.assert_array_equal(found.probabilities, expected)
    assert sorted(data.bad) == ["ant/0.png", "ant/1.png", "ant/2.png", "ant/3.png", "bee/4.png"]
    told = capsys.readouterr().err
    assert all(f"{name}" in told for name in data.bad) and len(told.splitlines()) == 5
    with pytest.raises(SightkitError, match="bad=5, evaluated=5"):
        data.require_all(5)


def test_photos_that_are_left_out_are_not_passed_over(photos, capsys):
    folder, _ = photos
    (folder / "ant" / "link.png").symlink_to(folder / "ant" / "0.png")
    (folder / "bee" / "notes.txt").write_text("mine")
    data = opened(folder)
    assert len(evaluate(Predictor(), data.batches).labels) == 10
    assert "'ant/link.png' (a link" in capsys.readouterr().err
    with pytest.raises(SightkitError, match="bad=1, evaluated=10"):
        data.require_all(10)


def test_a_folder_without_a_photo_that_can_be_read_is_an_error(photos):
    folder, _ = photos
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no photo")
    with pytest.raises(SightkitError, match="at least one image"):
        evaluate(Predictor(), opened(folder).batches)


@pytest.mark.parametrize("views", (1, 10))
def test_images_that_were_trained_on_are_counted(views, file, photos):
    manifest = Manifest.of(DatasetFile.open(file))
    for path, split, count in ((file, "test", 0), (file, "train", 4), (photos[0], "test", 4)):
        data = opened(path, split=split, rows=manifest, views=views)
        found = evaluate(lambda x: Predictor()(x.reshape(-1, 6, 6, 3))[: len(x)], data.batches)
        assert len(data.seen) == count
        notes = data.notes_on(len(found.labels))
        assert len(notes) == (count > 0)
        assert all(f"trained on {count} of these" in note for note in notes)


def test_without_a_list_it_is_told_that_nothing_is_known(file, photos):
    for path in (file, photos[0]):
        assert opened(path).seen is None
        assert "not known" in opened(path).notes_on(6)[0]


@pytest.mark.parametrize("names", (("ant", "cat"), ("ants", "bee", "cat")))
def test_classes_that_the_network_lacks_are_refused_by_name(names, file, photos):
    for path in (file, photos[0]):
        with pytest.raises(SightkitError, match=r"no other classes.*unknown=.*(bee|ant)"):
            check_data(path, "test", names)


@pytest.mark.parametrize("names", (("bee", "ant"), ("cat", "bee", "ant"), ("ant", "bear", "bee")))
def test_data_may_lack_classes_and_have_them_in_another_order(names, file, photos):
    def answer(images):
        return np.pad(Predictor()(images), ((0, 0), (0, len(names) - 2)))

    for path, count in ((file, 6), (photos[0], 10)):
        assert check_data(path, "test", names) == count
        data = opened(path, names=names)
        found = evaluate(answer, data.batches)
        assert [names[label] for label in found.labels[-5:]] == ["bee"] * 5
        np.testing.assert_array_equal(data.batches.labels, found.labels)
        recall = {row["class"]: row["recall"] for row in found.per_class()}
        assert [name for name in names if recall[name] is None] == sorted({*names} - {*NAMES})
        report_data(found, data, {})
        assert data.batches.images(np.array([0])).shape[0] == 1


def test_absent_classes_are_reported_and_excluded_ones_left_out(photos, file, capsys):
    with pytest.raises(SightkitError, match=r"unknown=.*bee.*missing=.*cat"):
        check_data(photos[0], "test", ("ant", "cat"))
    assert check_data(photos[0], "test", ("ant", "cat"), exclude=("bee",)) == 5
    data = opened(photos[0], names=("ant", "cat"), exclude=("bee",))
    metrics = report_data(evaluate(Predictor(), data.batches), data, {})
    assert metrics["notes"][-1] in capsys.readouterr().err
    assert "no images of 1 of the network's 2 classes (cat)" in metrics["notes"][-1]
    with pytest.raises(SightkitError, match="the data are a file"):
        check_data(file, "test", NAMES, exclude=("bee",))


def test_no_such_split_and_features_are_refused(file, tmp_path):
    with pytest.raises(SightkitError, match="has the splits"):
        check_data(file, "validation", NAMES)
    with HDF5DatasetWriter(
        (2, 3), tmp_path / "f.h5", class_names=NAMES, splits={"train": 2}, dtype="float32"
    ) as writer:
        writer.add(np.ones((2, 3), np.float32), np.array([0, 1]))
    with pytest.raises(SightkitError, match="must hold images"):
        check_data(tmp_path / "f.h5", "train", NAMES)
