"""From photos to a feature file: right features, nothing lost, nothing done twice."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sightkit import _faults, evaluation, inference, io, transfer
from sightkit._errors import SightkitError
from sightkit.inference import engines
from sightkit.preprocessing import Pipeline, SimplePreprocessor

JOB = """
import sys
from sightkit import transfer
network = transfer.open_network("minivggnet", random=True, crops=10)
transfer.extract_features(network, transfer.open_photos(sys.argv[1]), sys.argv[2])
"""


def extract(network, folder, path, **options):
    return transfer.extract_features(network, transfer.open_photos(folder), path, **options)


def test_features_are_the_networks_outputs_with_their_photos(small_network, folder, tmp_path):
    features = extract(small_network, folder, tmp_path / "f.h5")
    images = io.FolderDataset(folder)()
    assert features.shape == (24, 64)
    assert features.class_names == ("china", "flower")
    names = [images.identify(row) for row in range(24)]
    assert [features.sources()[row] for row in features.order] == names
    assert np.array_equal(features.labels[features.order], images.labels)
    for row in (0, 13, 23):
        image = images.read(names.index(features.sources()[row]))
        views = small_network.prepare([image])
        assert views.shape == (1, 10, 32, 32, 3)
        assert np.array_equal(views[0, 5:], views[0, :5, :, ::-1])
        expected = small_network.model.predict_on_batch(views[0]).mean(axis=0)
        assert np.allclose(features.take(slice(row, row + 1))[0], expected, atol=1e-5)
    identity = features.networks[0]
    assert identity["name"] == "minivggnet" and identity["layer"] == "block2_dropout"
    assert (identity["pool"], identity["crops"]) == ("avg", 10)
    assert len(identity["weights_sha256"]) == 64 and identity["engine"]
    assert identity["preprocessing"]["name"] == "Pipeline"


@pytest.mark.slow
def test_a_killed_extraction_resumes_and_ends_byte_equal(small_network, folder, tmp_path, capsys):
    (folder / "china" / "7.png").write_bytes(b"no picture")
    path = tmp_path / "killed.h5"
    killed = subprocess.run(
        [sys.executable, "-c", JOB, str(folder), str(path)],
        env={**os.environ, _faults.CRASH_VARIABLE: "dataset.rows:5"},
        timeout=300,
        check=False,
    )
    assert killed.returncode == 137 and not path.exists()
    extract(small_network, folder, path)
    assert "Going on after 15 of 24 photos" in capsys.readouterr().err
    extract(small_network, folder, tmp_path / "whole.h5")
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(each.name for each in tmp_path.glob("killed*")) == [
        "killed.h5",
        "killed.h5.left_out.csv",
    ]


@pytest.fixture
def break_even(monkeypatch):
    """Set how many views are worth an engine: 24 photos have 48."""

    def put(images):
        monkeypatch.setattr(engines, "break_even", lambda network: images)

    return put


def opened():
    return transfer.open_network("minivggnet", random=True, crops=2)


@pytest.mark.slow
def test_engine_of_an_extraction_is_settled_by_its_photos(
    folder, tmp_path, monkeypatch, break_even
):
    break_even(49)
    keras = extract(opened(), folder, tmp_path / "keras.h5")
    assert keras.networks[0]["engine"] == "keras"
    break_even(48)
    whole = extract(opened(), folder, tmp_path / "whole.h5")
    assert whole.networks[0]["engine"] in ("openvino", "folded")
    assert np.allclose(whole.take(slice(None)), keras.take(slice(None)), rtol=1e-3, atol=1e-5)
    assert extract(opened(), folder, tmp_path / "keras.h5").networks == keras.networks

    read = []
    with monkeypatch.context() as patch:
        patch.setattr(io.HDF5DatasetWriter, "add", fails_at(read, io.HDF5DatasetWriter.add, 2))
        with pytest.raises(KeyboardInterrupt):
            extract(opened(), folder, tmp_path / "again.h5")
    extract(opened(), folder, tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


@pytest.mark.slow
def test_features_in_bfloat16_are_compared_on_the_photos(folder, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    (folder / "china" / "0.png").write_bytes(b"no picture")
    network = transfer.open_network("minivggnet", random=True)
    compared, compile_network = [], inference.compile

    def watched(model, **options):
        compared.append(options["examples"].shape)
        return compile_network(model, **options)

    monkeypatch.setattr(inference, "compile", watched)
    made = {
        precision: extract(network, folder, tmp_path / f"{precision}.h5", precision=precision)
        for precision in ("float32", "bfloat16")
    }
    assert compared == [(8, 32, 32, 3), (23, 32, 32, 3)]
    (identity,) = made["bfloat16"].networks
    assert (identity["engine"], identity["precision"]) == ("openvino", "bfloat16")
    assert made["float32"].networks[0]["precision"] == "float32"
    rounded, exact = (made[precision].take(slice(None)) for precision in ("bfloat16", "float32"))
    assert rounded.dtype == np.float32 and not np.array_equal(rounded, exact)
    assert np.linalg.norm(rounded - exact) < 0.02 * np.linalg.norm(exact)


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["NaN", pytest.param("no memory", marks=pytest.mark.slow)])
def test_an_engine_that_fails_in_the_middle_of_a_file_is_refused(
    reason, folder, tmp_path, monkeypatch, break_even
):
    openvino_engine = pytest.importorskip("sightkit.inference.openvino_engine")
    pytest.importorskip("openvino")
    calls, answer = [], openvino_engine.OpenVinoEngine._answer

    def failing(self, images):
        calls.append(1)
        outputs = answer(self, images)
        if len(calls) == 4:  # the first are those that compare it with Keras
            if reason == "no memory":
                raise MemoryError(reason)
            outputs[0, 0] = np.nan
        return outputs

    break_even(48)
    network, path = opened(), tmp_path / "f.h5"
    with monkeypatch.context() as patch:
        patch.setattr(openvino_engine.OpenVinoEngine, "_answer", failing)
        with pytest.raises(SightkitError, match=rf"(?s){reason}.*--engine=keras"):
            extract(network, folder, path)
    assert not path.exists()
    features = extract(network, folder, path, engine="keras", overwrite=True)
    assert features.networks[0]["engine"] == "keras"
    break_even(49)
    extract(opened(), folder, tmp_path / "keras.h5")
    assert path.read_bytes() == (tmp_path / "keras.h5").read_bytes()


def fails_at(calls, method, number):
    def failing(*arguments, **options):
        calls.append(1)
        if len(calls) == number:
            raise KeyboardInterrupt
        return method(*arguments, **options)

    return failing


def unmixed(folder, layout="folders"):
    """The photos of a folder in the order of their names."""
    photos = transfer.open_photos(folder, layout=layout)
    ends = np.cumsum([0, *photos.splits.values()])
    parts = [np.sort(photos.rows[a:b]) for a, b in itertools.pairwise(ends)]
    origin = {key: value for key, value in photos.origin.items() if key != "mixed"}
    return dataclasses.replace(photos, rows=np.concatenate(parts), origin=origin)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ("folders", "splits"))
def test_the_order_of_a_file_is_mixed_and_changes_no_result(
    layout, small_network, folder, tmp_path
):
    if layout == "splits":
        for photo in sorted(folder.glob("*/*.png")):
            part = "test" if int(photo.stem) % 3 == 0 else "train"
            place = tmp_path / "parts" / part / photo.parent.name / photo.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(photo.read_bytes())
        folder = tmp_path / "parts"
    photos = transfer.open_photos(folder, layout=layout)
    mixed = transfer.extract_features(small_network, photos, tmp_path / "mixed.h5")
    plain = transfer.extract_features(small_network, unmixed(folder, layout), tmp_path / "plain.h5")
    assert mixed.splits == plain.splits
    first = slice(*mixed.splits["train"])
    labels, sorted_labels = mixed.labels[first], plain.labels[first]
    assert np.array_equal(sorted_labels, np.sort(sorted_labels))
    assert np.abs(np.diff(labels)).sum() > 4  # mixed: the books cut it anywhere
    assert np.array_equal(mixed.take(mixed.order), plain.take(plain.order))
    assert [mixed.sources()[row] for row in mixed.order] == list(plain.sources())
    found = [transfer.train_head(each, transfer.HeadSettings()) for each in (mixed, plain)]
    tested = np.arange(len(found[0].test.labels))
    names = [list(each.samples.names(tested)) for each in found if each.samples.names]
    assert names[0] == names[1]
    assert np.array_equal(found[0].fitted.held_out, found[1].fitted.held_out)
    assert found[0].metrics["test"] == found[1].metrics["test"]
    doubted = [transfer.suspicious_labels(each, folds=3) for each in (mixed, plain)]
    assert [each["photo"] for each in doubted[0]] == [each["photo"] for each in doubted[1]]
    assert [mixed.sources()[each["row"]] for each in doubted[0]] == [
        each["photo"] for each in doubted[0]
    ]


def test_groups_of_photos_are_stored_and_kept_by_splits_and_folds(small_network, folder, tmp_path):
    rule = r"prefix:(\d)"  # 0, 1 with 10 and 11, 2, …
    photos = transfer.open_photos(folder, groups=rule)
    features = transfer.extract_features(small_network, photos, tmp_path / "f.h5")
    digits = np.array([source.rpartition("/")[2][0] for source in features.sources()])
    assert features.groups is not None
    assert len(set(zip(digits, features.groups.tolist(), strict=True))) == 10
    plain = extract(small_network, folder, tmp_path / "plain.h5")
    for file, groups in ((features, None), (plain, rule)):
        settings = transfer.HeadSettings(groups=groups, folds=2)
        train, test = transfer.head_rows(file, settings)
        own = np.array([source.rpartition("/")[2][0] for source in file.sources()])
        assert not set(own[train]) & set(own[test])
        transfer.train_head(file, settings)
    with pytest.raises(SightkitError, match="is all of class china"):
        transfer.head_rows(plain, transfer.HeadSettings(groups="parent"))


def test_unreadable_photos_are_counted_and_listed_alone(small_network, folder, tmp_path, capsys):
    before = extract(small_network, folder, tmp_path / "before.h5")
    bad = {
        name: before.sources().index(name)
        for name in ("china/3.png", "flower/0.png", "flower/9.png")
    }
    for number, name in enumerate(bad):
        (folder / name).write_bytes((b"", b"GIF89a", (folder / name).read_bytes()[:900])[number])
    features = extract(small_network, folder, tmp_path / "f.h5")
    kept = [row for row in range(24) if row not in bad.values()]
    assert np.array_equal(features.take(slice(None)), before.take(np.array(kept)))
    assert features.sources() == tuple(before.sources()[row] for row in kept)
    assert features.files[0].left_out == {"unreadable": 3}
    assert "3 of 24 photos cannot be read" in capsys.readouterr().err
    with (tmp_path / "f.h5.left_out.csv").open() as file:
        listed = list(csv.DictReader(file))
    assert {row["path"] for row in listed} == set(bad)
    assert all(row["kind"] == "bad" and row["reason"] for row in listed)


def test_more_photos_left_out_than_allowed_are_an_error(small_network, folder, tmp_path):
    (folder / "china" / "3.png").write_bytes(b"nothing")
    (folder / "flower" / "link.png").symlink_to(folder / "flower" / "0.png")
    with pytest.raises(SightkitError, match=r"1 of 25 images are left out: 1 a link"):
        extract(small_network, folder, tmp_path / "f.h5", max_bad=0.03)
    with pytest.raises(SightkitError, match=r"2 of 25 images are left out: 1 unreadable; 1 a link"):
        extract(small_network, folder, tmp_path / "f.h5", max_bad=0.04)
    with (tmp_path / "f.h5.left_out.csv").open() as file:
        listed = {row["path"]: row["kind"] for row in csv.DictReader(file)}
    assert listed == {"china/3.png": "bad", "flower/link.png": "left out"}
    assert extract(small_network, folder, tmp_path / "f.h5", max_bad=0.08).shape[0] == 23
    for photo in (folder / "china").iterdir():
        photo.write_bytes(b"nothing")
    with pytest.raises(SightkitError, match=r"Each class must have a photo.*classes=\['china'\]"):
        extract(small_network, folder, tmp_path / "g.h5")


def test_photos_of_which_none_can_be_read_are_an_error(small_network, folder, tmp_path):
    for photo in folder.glob("*/*.png"):
        photo.write_bytes(b"nothing")
    with pytest.raises(SightkitError, match=r"images that can be read"):
        extract(small_network, folder, tmp_path / "f.h5")
    assert not (tmp_path / "f.h5").exists()


def test_the_same_features_are_opened_and_others_are_refused(
    small_network, folder, tmp_path, capsys
):
    path = tmp_path / "f.h5"
    extract(small_network, folder, path)
    stamp = path.stat().st_mtime_ns
    extract(small_network, folder, path)
    assert "complete" in capsys.readouterr().err and path.stat().st_mtime_ns == stamp
    extract(small_network, folder, path, precision="bfloat16")  # they were computed in float32
    assert "bfloat16 was requested: give --overwrite" in capsys.readouterr().err
    other = transfer.open_network("minivggnet", random=True)
    with pytest.raises(SightkitError, match=r"network differ.*crops 10, now 1.*--overwrite"):
        extract(other, folder, path)
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere")
    (elsewhere / "china" / "0.png").unlink()
    with pytest.raises(SightkitError, match="data differ"):
        extract(small_network, elsewhere, path)
    assert extract(small_network, elsewhere, path, overwrite=True).shape[0] == 23


def test_features_of_what_is_new_in_a_folder_are_added(small_network, folder, tmp_path, capsys):
    path, china = tmp_path / "f.h5", folder / "china"
    before = extract(small_network, folder, path)
    kept = dict(zip(before.sources(), before.take(slice(None)), strict=True))
    (china / "0.png").unlink()
    io.write_png(china / "1.png", io.read_image(folder / "flower" / "1.png"))
    shutil.copy(folder / "flower" / "2.png", china / "new.png")
    (folder / "third").mkdir()
    for name in ("3.png", "4.png"):
        shutil.copy(china / name, folder / "third" / name)
    (china / "bad.png").write_bytes(b"no picture")
    read = []
    source = transfer.open_photos(folder)
    reader = source.images.read
    images = dataclasses.replace(source.images, read=lambda row: read.append(row) or reader(row))
    source = dataclasses.replace(source, images=images)
    after = transfer.extract_features(small_network, source, path)
    assert "5 of 27 photos are new or changed" in capsys.readouterr().err
    changed = ("china/1.png", "china/new.png", "china/bad.png", "third/3.png", "third/4.png")
    assert {images.identify(row) for row in read[-5:]} == {*changed}
    anew = extract(small_network, folder, tmp_path / "anew.h5")
    assert after.sources() == anew.sources() and after.class_names == anew.class_names
    assert np.array_equal(after.labels, anew.labels) and after.splits == anew.splits
    np.testing.assert_allclose(after.take(slice(None)), anew.take(slice(None)), atol=1e-4)
    for name, row in zip(after.sources(), after.take(slice(None)), strict=True):
        if name not in changed:
            np.testing.assert_array_equal(row, kept[name])
    extract(small_network, folder, path)
    assert "complete" in capsys.readouterr().err


def test_features_of_a_folder_that_was_replaced_are_not_kept(small_network, folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    for name in ("china", "flower"):  # other photos under the same names, older than the features
        for number in range(5):
            io.write_png(other / name / f"{number}.png", np.full((40, 40, 3), 50, np.uint8))
    (other / "china" / "new.png").write_bytes((other / "china" / "0.png").read_bytes())
    path = tmp_path / "f.h5"
    extract(small_network, folder, path)
    folder.rename(tmp_path / "away")
    other.rename(folder)
    found = extract(small_network, folder, path)
    expected = extract(small_network, folder, tmp_path / "expected.h5")
    np.testing.assert_allclose(found.take(slice(None)), expected.take(slice(None)), atol=1e-4)


def test_photos_without_classes_have_features(small_network, folder, tmp_path, capsys):
    plain = tmp_path / "plain"
    plain.mkdir()
    for number in range(3):
        shutil.copy(folder / "china" / f"{number}.png", plain)
    features = extract(small_network, plain, tmp_path / "plain.h5")
    assert features.class_names == ("unlabelled",) and features.shape == (3, 64)
    assert "have no labels" in capsys.readouterr().err
    labelled = extract(small_network, folder, tmp_path / "f.h5")
    rows = [labelled.sources().index(f"china/{name}") for name in features.sources()]
    np.testing.assert_allclose(features.take(slice(None)), labelled.take(np.array(rows)), atol=1e-4)


@pytest.mark.parametrize(("side", "told"), [(40, False), (12, True)])
def test_a_dataset_file_keeps_its_splits_and_preprocessing(
    side, told, small_network, folder, tmp_path, capsys
):
    chain = Pipeline((SimplePreprocessor(side, side),))
    file = io.build_dataset(
        io.FolderDataset(folder),
        tmp_path / "data.h5",
        preprocessors=chain,
        fractions={"train": 0.5, "validation": 0.25, "test": 0.25},
    )
    features = extract(small_network, file.path, tmp_path / "f.h5")
    assert ("12 pixels wide or high, are enlarged to 32" in capsys.readouterr().err) == told
    assert features.splits == file.splits
    assert features.sources() == file.sources()
    assert features.files[0].recipe["before"] == chain.to_config()
    row = small_network.features(small_network.prepare([file.memmap()[5]]))
    assert np.allclose(features.take(slice(5, 6)), row, atol=1e-5)


def test_features_of_features_are_refused(small_network, folder, tmp_path):
    extract(small_network, folder, tmp_path / "f.h5")
    with pytest.raises(SightkitError, match=r"must hold images.*holds='features'.*float32"):
        transfer.open_photos(tmp_path / "f.h5")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "dimensions"),
    (
        ({}, 64),
        ({"pool": "flatten"}, 8 * 8 * 64),
        ({"layer": "block1_conv1"}, 32),
        ({"layer": "dense1"}, 512),
        ({"crops": 2}, 64),
    ),
)
def test_any_layer_and_pooling(options, dimensions):
    network = transfer.open_network("minivggnet", random=True, **options)
    images = [np.zeros((50, 60, 3), np.uint8), np.full((9, 7, 3), 200, np.uint8)]
    assert network.features(network.prepare(images)).shape == (2, dimensions)
    assert network.identity["dimensions"] == dimensions


@pytest.mark.slow
@pytest.mark.parametrize("name", ("lenet", "mlp", "resnet20", "squeezenet"))
def test_other_networks_have_a_layer_of_their_own_choice(name):
    network = transfer.open_network(name, random=True)
    image = np.zeros((50, 60, 3), np.uint8)
    features = network.features(network.prepare([image]))
    assert features.shape == (1, network.identity["dimensions"])
    assert np.isfinite(features).all()


@pytest.mark.parametrize(
    ("name", "options", "told"),
    (
        ("minivggnot", {"random": True}, "minivggnet"),
        ("mobilenetv2_0.36", {}, "mobilenetv2_0.35"),
        (
            "minivggnet",
            {"random": True, "layer": "block9"},
            r"nearest.*block2_pool.*inspect_model",
        ),
        ("minivggnet", {"random": True, "crops": 3}, "crops must be"),
        ("minivggnet", {"random": True, "pool": "max"}, "pool must be"),
        ("./nowhere", {}, "A bundle is a folder"),
    ),
)
def test_what_no_network_is_is_told(name, options, told):
    with pytest.raises(SightkitError, match=told):
        transfer.open_network(name, **options)


def test_mirrored_views_make_a_photo_equal_its_mirror_image():
    network = transfer.open_network("minivggnet", random=True, crops=2)
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    one, other = network.features(network.prepare([image, image[:, ::-1]]))
    assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("crops", (2, 10))
def test_features_are_the_mean_of_those_of_each_view(crops):
    network = transfer.open_network("minivggnet", random=True, crops=crops)
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    views = evaluation.with_views(network.preprocessing, (32, 32), crops)(image)
    mean = network.predictor(views).mean(axis=0)
    assert views.shape == (crops, 32, 32, 3)
    assert np.allclose(network.features(network.prepare([image]))[0], mean, atol=1e-6)


DATA = os.environ.get("SIGHTKIT_TEST_DATA")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="SIGHTKIT_TEST_DATA is not set")
def test_a_pretrained_network_is_cut_where_its_weights_are(tmp_path, monkeypatch):
    """MobileNet-0.75's weights are here with the classifier alone: it is built with it and cut."""
    monkeypatch.setenv("KERAS_HOME", str(Path(str(DATA)) / "keras"))
    monkeypatch.setattr(
        "keras.src.utils.file_utils.config.keras_home",
        lambda: str(Path(str(DATA)) / "keras"),
        raising=False,
    )
    network = transfer.open_network("mobilenet_0.75")
    assert network.identity["origin"] == {"pretrained": "mobilenet_0.75", "include_top": True}
    assert network.identity["dimensions"] == 768
    again = transfer.open_network("mobilenetv2_0.35")
    assert again.identity["origin"]["include_top"] is False


@pytest.mark.slow
def test_the_compiled_network_is_cached_in_the_given_folder(tmp_path, rng):
    pytest.importorskip("openvino")
    network = transfer.open_network("minivggnet", random=True)
    image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    compiled = network.for_many(10**9, [image], cache=tmp_path / "cache")
    assert compiled.identity["engine"] == compiled.predictor.engine == "openvino"
    assert network.identity["engine"] == network.predictor.engine == "keras"
    assert len(list((tmp_path / "cache").iterdir())) == 1
