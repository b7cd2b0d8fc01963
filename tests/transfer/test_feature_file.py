"""Feature files: opened, set side by side, and what is wrong with them said by name."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from sightkit import transfer
from sightkit._errors import SightkitError
from sightkit.transfer import feature_file
from sightkit.transfer.rows import constant_features, copies, split_rows


def test_files_of_the_same_photos_stand_side_by_side(write_features):
    paths = [write_features("a.h5"), write_features("b.h5", dimensions=5, name="other")]
    features = transfer.open_features(paths)
    alone = [transfer.open_features(paths[0]), transfer.open_features(str(paths[1]))]
    assert features.shape == (60, 13)
    expected = np.concatenate([each.take(slice(3, 9)) for each in alone], axis=1)
    assert np.array_equal(features.take(slice(3, 9)), expected)
    assert [network["name"] for network in features.networks] == ["net", "other"]


@pytest.mark.parametrize(
    ("other", "told"),
    (
        ({"classes": ("dogs", "cats", "panda")}, "differ in classes"),
        ({"classes": ("cats", "dogs", "bears")}, "differ in classes"),
        ({"labels": np.arange(60) // 20}, "differ in labels"),
        ({"splits": {"train": 40, "test": 20}}, "differ in splits"),
        ({"count": 57}, "differ in splits, labels"),
        ({"photo": "picture"}, "in the same order.*picture 0"),
    ),
)
def test_files_of_other_photos_are_refused(other, told, write_features):
    with pytest.raises(SightkitError, match=told):
        transfer.open_features([write_features("a.h5"), write_features("b.h5", **other)])


def test_no_file_an_incomplete_one_and_images_are_refused(write_features, write_dataset):
    with pytest.raises(SightkitError, match="at least one feature file"):
        transfer.open_features([])
    path = write_features()
    with h5py.File(path, "r+") as file:
        file.attrs["complete"] = 0
    with pytest.raises(SightkitError, match="never completed"):
        transfer.open_features([path])
    with pytest.raises(SightkitError, match=r"must hold features.*images"):
        transfer.open_features([write_dataset()])


@pytest.mark.parametrize("value", (np.nan, np.inf))
def test_features_that_are_no_numbers_are_counted_and_named(value, open_rows, monkeypatch):
    def spoil(rows):
        rows[[17, 40], 3] = value

    monkeypatch.setattr(feature_file, "BLOCK_BYTES", 4 * 8 * 7)
    features = open_rows(change=spoil)
    with pytest.raises(SightkitError, match=r"finite number.*photos=2, first='photo 17'"):
        features.require_finite()
    with pytest.raises(SightkitError, match="finite number"):
        transfer.train_head(features, transfer.HeadSettings())


def test_constant_features_are_counted_on_training_rows_alone(open_rows):
    def constant(rows):
        rows[:, 2] = 0.5
        rows[:50, 4] = 1

    features = open_rows(change=constant)
    assert constant_features(features, np.arange(50)) == 2
    assert constant_features(features, np.arange(60)) == 1


def test_copies_of_a_photo_stay_on_one_side(open_rows, capsys):
    def copy(rows):
        for first, other in ((0, 30), (1, 31), (2, 32), (3, 33), (0, 57)):
            rows[other] = rows[first] * (1 + 1e-7)

    features = open_rows(change=copy)
    groups = copies(features)
    assert groups[30] == groups[57] == groups[0] and groups[31] == groups[1]
    assert len(np.unique(groups)) == 55
    for seed in range(10):
        train, test = split_rows(features, 0.25, seed)
        assert len(train) + len(test) == 60
        for first, other in ((0, 30), (1, 31), (2, 32), (3, 33), (0, 57)):
            assert (first in train) == (other in train)
    assert "5 photos have the features of another one" in capsys.readouterr().err


def test_copies_of_another_class_are_told(open_rows, capsys):
    def copy(rows):
        rows[[30, 31]] = rows[0]

    features = open_rows(change=copy)
    features.labels[[0, 30, 31]] = 0, 0, 1
    split_rows(features, 0.25, 1)
    assert "\n1 of them have another class than their copy" in capsys.readouterr().err


def test_a_split_of_the_file_is_kept(open_rows):
    features = open_rows(splits={"train": 30, "validation": 10, "test": 20})
    train, test = split_rows(features, 0.5, 1)
    assert np.array_equal(train, np.arange(40)) and np.array_equal(test, np.arange(40, 60))


def test_a_split_by_name_is_tested_and_others_rest(open_rows, capsys):
    features = open_rows(splits={"train": 30, "validation": 9, "calibration": 6, "test": 15})
    train, test = split_rows(features, 0.5, 1)
    assert np.array_equal(train, np.arange(39)) and np.array_equal(test, np.arange(45, 60))
    assert "6 photos, those of calibration, are neither" in capsys.readouterr().err
    train, test = split_rows(features, 0.5, 1, split="calibration")
    assert np.array_equal(train, np.arange(39)) and np.array_equal(test, np.arange(39, 45))
    assert "15 photos, those of test, are neither" in capsys.readouterr().err
    train, test = split_rows(features, 0.5, 1, split="validation")
    assert np.array_equal(train, np.arange(30)) and np.array_equal(test, np.arange(30, 39))
    with pytest.raises(SightkitError, match="has the splits"):
        split_rows(features, 0.5, 1, split="held")
    features = open_rows("b.h5", splits={"train": 45, "calibration": 15})
    parts = split_rows(features, 0.2, 1)
    assert sorted(np.concatenate(parts)) == list(range(45))


def test_a_class_with_one_photo_is_named(open_rows):
    labels = np.arange(60) % 2
    labels[5] = 2
    with pytest.raises(SightkitError, match=r"two different photos.*panda. ?: 1"):
        transfer.train_head(open_rows(labels=labels), transfer.HeadSettings())
    labels[5:8] = 2
    with pytest.raises(SightkitError, match=r"3 training photos.*'panda': 2"):
        transfer.train_head(open_rows("b.h5", labels=labels), transfer.HeadSettings())


def test_features_that_exceed_the_memory_are_fitted_in_parts(open_rows, capsys):
    features = open_rows()
    held = transfer.train_head(features, transfer.HeadSettings())
    streamed = transfer.train_head(features, transfer.HeadSettings(memory=1000))
    assert "fitted on parts of them" in capsys.readouterr().err
    rank1 = [found.metrics["test"]["rank1"] for found in (streamed, held)]
    assert abs(rank1[0] - rank1[1]) <= 1 / 15
    with pytest.raises(SightkitError, match="exceed the memory"):
        transfer.train_head(features, transfer.HeadSettings(head="knn", memory=1000))


def test_five_wrong_labels_in_a_hundred_are_found(open_rows):
    """Made features; those of real photos are asked for in test_label_errors.py."""
    features = open_rows(count=300, dimensions=20)
    labels = features.labels.copy()
    wrong = np.random.default_rng(1).choice(300, 15, replace=False)
    labels[wrong] = (labels[wrong] + 1) % 3
    found = transfer.suspicious_labels(features, labels=labels)
    doubts = [one["doubt"] for one in found]
    assert doubts == sorted(doubts, reverse=True)
    assert len({one["row"] for one in found}) == 300
    tenth = {one["row"] for one in found[:30]}
    assert len(tenth & set(wrong.tolist())) >= 12
    assert doubts[0] > 0 > doubts[-1]


@pytest.fixture
def grouped(write_features, tmp_path):
    """Features of two networks in one file, as h5py copies them."""
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for name, size in (("one", 8), ("deep/two", 5)):
            path = write_features("x.h5", dimensions=size, name=name)
            with h5py.File(path) as source:
                source.copy(source["/"], file, name)
            path.unlink()
    return tmp_path / "all.h5"


def test_features_in_groups_are_read_alone_and_side_by_side(grouped, write_features):
    alone = transfer.open_features(write_features("a.h5"))
    one = transfer.open_features(grouped, "one/features")
    assert np.array_equal(one.take(slice(None)), alone.take(slice(None)))
    assert one.sources() == alone.sources() and one.networks[0]["name"] == "one"
    both = transfer.open_features(grouped, ("one/features", "/deep/two/features"))
    assert both.shape == (60, 13) and [each["name"] for each in both.networks] == [
        "one",
        "deep/two",
    ]
    mixed = transfer.open_features([grouped, write_features("b.h5")], ("one/features", "features"))
    assert mixed.shape == (60, 16)
    train, test = split_rows(one, 0.25, 1)
    assert [part.tolist() for part in split_rows(alone, 0.25, 1)] == [train.tolist(), test.tolist()]


@pytest.mark.parametrize(
    ("key", "told"),
    (
        ((), "it holds deep/two/features, one/features"),
        ("features", "key='features'"),
        ("one", "key='one'"),
        ("one/labels", "it holds deep/two/features"),
        ("one//features", "key="),
        ("deep/../one/features", "key="),
        (("one/features",) * 3, None),
        ("two/features", "key='two/features'"),
    ),
)
def test_a_key_that_is_none_is_answered_with_those_that_are(key, told, grouped):
    if told is None:
        with pytest.raises(SightkitError, match="one for all files"):
            transfer.open_features([grouped, grouped], key)
        return
    with pytest.raises(SightkitError, match=told):
        transfer.open_features(grouped, key)


@pytest.mark.parametrize("place", ("group", "outer", "rows", "labels", "hashes", "class_names"))
@pytest.mark.parametrize("kind", ("soft", "external"))
def test_no_link_at_any_component_of_a_key_is_followed(place, kind, grouped, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(grouped.read_bytes())
    name = {"group": "deep/two", "outer": "deep", "rows": "deep/two/features"}.get(
        place, f"deep/two/{place}"
    )
    with h5py.File(grouped, "r+") as file:
        file.move(name, "moved")
        file[name] = (
            h5py.SoftLink("/moved") if kind == "soft" else h5py.ExternalLink(str(other), name)
        )
    with pytest.raises(SightkitError, match=r"link to somewhere else|it holds"):
        transfer.open_features(grouped, "deep/two/features")


def test_an_incomplete_group_and_a_pipe_behind_a_link_are_refused(grouped, tmp_path):
    with h5py.File(grouped, "r+") as file:
        file["one"].attrs["complete"] = 0
    with pytest.raises(SightkitError, match="never completed"):
        transfer.open_features(grouped, "one/features")
    os.mkfifo(tmp_path / "pipe")
    with h5py.File(grouped, "r+") as file:
        file["three"] = h5py.ExternalLink(str(tmp_path / "pipe"), "/")
    with pytest.raises(SightkitError, match="three is a link"):
        transfer.open_features(grouped, "three/features")
