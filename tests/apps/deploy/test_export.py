"""Exports: proven, refused, described in the file itself, read back."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sightkit import io, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.apps import deploy
from sightkit.apps.deploy import exportable, exported, exported_folder
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
)
from sightkit.transfer.heads.linear import LinearHead

pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")

NAMES = ("cat", "dog", "panda")
PHOTO = np.random.default_rng(3).integers(0, 256, (20, 26, 3), np.uint8)
CHAIN = Pipeline(
    (AspectAwarePreprocessor(8, 8), ImageToArrayPreprocessor(), MeanPreprocessor(0.5, 0.4, 0.3))
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy") / "bundle"
    network = zoo.build("minivggnet", **zoo.entry("minivggnet").sample)
    training.save_bundle(folder, network, preprocessing=CHAIN, class_names=NAMES, canary=PHOTO)
    return transfer.load(folder)


@pytest.fixture(scope="module")
def onnx_export(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "exported"
    return folder, deploy.export_bundle(bundle, folder)


@pytest.mark.slow
def test_onnx_says_what_the_bundle_says(bundle, onnx_export):
    folder, found = onnx_export
    read = deploy.load_exported(folder)
    photos = [PHOTO, PHOTO[:, ::-1], PHOTO[:9, :9]]
    np.testing.assert_allclose(read.predict(photos), bundle.predict(photos), atol=1e-5)
    assert found["proof"]["photos"] == 65
    assert found["proof"]["largest_difference"] < 1e-5
    assert found["input"]["shape"] == ["batch", 8, 8, 3]
    assert found["output"]["name"] == "probabilities"
    assert found["inside"] == ["ImageToArrayPreprocessor", "MeanPreprocessor"]
    assert found["facts"]["opset"]["ai.onnx"] >= 13


def test_what_was_exported_is_named_by_its_hashes(bundle, onnx_export):
    found = onnx_export[1]
    stored = (bundle.folder / "bundle.json").read_bytes()
    assert found["bundle"] == {
        "sha256": hashlib.sha256(stored).hexdigest(),
        "weights_sha256": json.loads(stored)["weights_sha256"],
    }
    assert {"sightkit", "keras", "tensorflow", "tf2onnx", "onnxruntime"} <= {*found["versions"]}
    networks = [{"identity": {"weights_sha256": name * 64}} for name in "ab"]
    of_head = SimpleNamespace(description={"networks": networks}, folder=bundle.folder)
    expected = {**found["bundle"], "weights_sha256": ["a" * 64, "b" * 64]}
    assert exported_folder._hashes(of_head) == expected


def test_file_describes_itself(onnx_export):
    folder, found = onnx_export
    format_ = exported.format_of("onnx")
    assert json.loads(format_.stored(folder / format_.file)) == found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["litert", "saved_model", "openvino"])
def test_other_formats(kind, bundle, tmp_path):
    pytest.importorskip({"litert": "ai_edge_litert", "openvino": "openvino"}.get(kind, "onnx"))
    found = deploy.export_bundle(bundle, tmp_path / "exported", kind)
    assert found["proof"]["largest_difference"] < 1e-5
    assert found["input"]["shape"] == ["batch", 8, 8, 3]
    assert found["output"]["shape"] == ["batch", 3]
    read = deploy.load_exported(tmp_path / "exported")
    np.testing.assert_allclose(read.predict([PHOTO] * 40), bundle.predict([PHOTO] * 40), atol=1e-5)
    format_ = exported.format_of(kind)
    assert json.loads(format_.stored(tmp_path / "exported" / format_.file)) == found


def test_folder_of_others_is_left_alone(bundle, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SightkitError, match="new or empty"):
        deploy.export_bundle(bundle, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_damaged_export_is_one_line(onnx_export, tmp_path):
    for path in onnx_export[0].iterdir():
        (tmp_path / path.name).write_bytes(
            path.read_bytes()[: 500 if path.suffix == ".onnx" else None]
        )
    with pytest.raises(SightkitError, match=r"network\.onnx must be as it was written"):
        deploy.load_exported(tmp_path)


def test_messages_speak_of_an_export(onnx_export, tmp_path, monkeypatch):
    with pytest.raises(SightkitError, match=r"An export is a folder with export\.json"):
        deploy.load_exported(tmp_path)
    read = deploy.load_exported(onnx_export[0])
    for wrong in (3, [3], None):
        with pytest.raises(SightkitError, match=r"uint8 \(H, W, "):
            read.predict(wrong)
    monkeypatch.setattr("sightkit.training.classifier.TOLERANCE", -1.0)  # whatever it answers
    with pytest.raises(SightkitError, match="The export must answer") as error:
        deploy.load_exported(onnx_export[0])
    assert "bundle" not in str(error.value)


def test_full_disk_is_not_the_networks_fault(bundle, tmp_path, monkeypatch):
    def fills(network, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exported.format_of("onnx"), "write", staticmethod(fills))
    with pytest.raises(OSError, match="No space"):
        deploy.export_bundle(bundle, tmp_path / "exported")


def test_wrong_converter_is_found_out(bundle, tmp_path, monkeypatch):
    format_ = exported.format_of("onnx")
    write = format_.write

    def wrong(network, path):
        weights = network.get_weights()
        network.set_weights([*weights[:-1], weights[-1] + np.array([0.01, 0, 0], np.float32)])
        write(network, path)
        network.set_weights(weights)

    monkeypatch.setattr(format_, "write", staticmethod(wrong))
    with pytest.raises(SightkitError, match="must say what its bundle says"):
        deploy.export_bundle(bundle, tmp_path / "exported")
    assert list(tmp_path.iterdir()) == []


def test_changed_export_is_refused(onnx_export, tmp_path):
    folder, _ = onnx_export
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = json.loads((tmp_path / "export.json").read_text())
    found["preprocessing"]["steps"][-1]["crop"] = 0.5
    (tmp_path / "export.json").write_text(json.dumps(found))
    with pytest.raises(SightkitError, match="says of itself"):
        deploy.load_exported(tmp_path)


def test_lacking_layer_is_one_line(bundle, tmp_path, monkeypatch):
    def lacks(network, path):
        raise ValueError("Op Strange is not supported.\nmore")

    monkeypatch.setattr(exported.format_of("onnx"), "write", staticmethod(lacks))
    with pytest.raises(SightkitError, match="something that onnx lacks") as error:
        deploy.export_bundle(bundle, tmp_path / "exported")
    assert "Op Strange" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "missing", "extra"), [("onnx", "onnx", "export"), ("openvino", "openvino", "fast")]
)
def test_missing_package_names_its_extra(kind, missing, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, exported.MODULES[kind], raising=False)
    with pytest.raises(SightkitError, match=rf"sightkit\[{extra}\]"):
        exported.format_of(kind)


HEADS = {
    "multinomial": LinearHead(np.arange(12.0).reshape(4, 3) / 9, np.arange(3.0), 3),
    "temperature": LinearHead(np.arange(12.0).reshape(4, 3) / 9, np.ones(3), 3, "ovr", False, 1.7),
    "sigmoids": LinearHead(np.arange(12.0).reshape(4, 3) / 9, -np.ones(3), 3, "ovr", True),
    "one column": LinearHead(np.arange(4.0).reshape(4, 1) / 9, np.ones(1), 2),
    "two columns": LinearHead(np.arange(8.0).reshape(4, 2) / 9, np.ones(2), 2),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_linear_head_becomes_a_layer(head):
    import keras

    features = keras.Input((4,))
    model = keras.Model(features, exportable._probabilities(head, features))
    rows = np.random.default_rng(2).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(model(rows)), head.predict_proba(rows), atol=1e-6)


def test_heads_that_are_no_formula_are_named_as_the_flag_has_them(bundle, monkeypatch):
    for head, name in (
        ({"kind": "trees", "boosted": False}, "random_forest"),
        ({"kind": "trees", "boosted": True}, "adaboost"),
        ({"kind": "neighbours"}, "knn"),
        ({"kind": "linear", "multiclass": "ovo"}, "ovo"),
    ):
        description = {"head": head, "class_names": NAMES}
        monkeypatch.setattr("sightkit.training.check_bundle", lambda _, d=description: d)
        with pytest.raises(SightkitError, match=rf"must be a formula.*head='{name}'"):
            deploy.ExportFlags(bundle=bundle.folder)
    exportable.require_formula({"kind": "linear", "multiclass": "ovr"})


def test_votes_are_no_formula():
    import keras

    votes = LinearHead(np.ones((4, 3)), np.ones(3), 3, "ovo")
    with pytest.raises(SightkitError, match="must be a formula"):
        exportable._probabilities(votes, keras.Input((4,)))


def test_bundle_of_memory_has_no_canary(tmp_path):
    memory = training.Bundle.of(zoo.LeNet((8, 8, 1), 3), CHAIN, NAMES)
    with pytest.raises(SightkitError, match="in a folder"):
        deploy.export_bundle(memory, tmp_path / "exported")


def write_photos(folder, count):
    rng = np.random.default_rng(8)
    for number in range(count):
        path = folder / NAMES[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        io.write_png(path, rng.integers(0, 256, (8, 8, 3), np.uint8))
    return folder


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", 1_320)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("onnx", "network.onnx"),
        pytest.param("litert", "network.tflite", marks=pytest.mark.slow),
    ],
)
def test_int8_is_measured(kind, file, bundle, photos, tmp_path, monkeypatch, caplog):
    pytest.importorskip("ai_edge_litert" if kind == "litert" else "onnx")
    monkeypatch.setattr("sightkit.apps.deploy.proof.MOST_LOST", 0.1)  # it is not trained
    found = deploy.export_bundle(bundle, tmp_path / "int8", kind, data=photos, int8=True)
    assert not caplog.records
    lost = found["int8"]
    assert 1_000 <= lost["photos"] < 1_320
    assert abs(lost["lost"]) <= lost["other_top1"] / lost["photos"] < 0.5
    assert found["proof"]["source"] == "photos"
    files = {path.name for path in (tmp_path / "int8").iterdir()}
    assert files == {file, "export.json", "canary.png"}
    assert len(deploy.load_exported(tmp_path / "int8").predict([PHOTO] * 3)) == 3


def test_few_photos_for_int8_are_refused_before_work(bundle, tmp_path):
    few = write_photos(tmp_path / "photos", 159)
    flags = {"bundle": bundle.folder, "output": tmp_path / "int8", "data": few, "int8": True}
    with pytest.raises(SightkitError, match=r"int8 needs 160 photos.*photos=159"):
        deploy.ExportFlags(**flags)
    with pytest.raises(SightkitError, match="int8 needs 160 photos"):
        deploy.export_bundle(bundle, tmp_path / "int8", data=few, int8=True)
    io.write_png(few / "cat" / "more.png", PHOTO)
    deploy.ExportFlags(**flags)


@pytest.mark.slow
def test_int8_of_few_photos_keeps_the_softmax_in_float(bundle, tmp_path):
    import onnx

    few = write_photos(tmp_path / "photos", 160)
    found = deploy.export_bundle(bundle, tmp_path / "int8", data=few, int8=True)
    assert (found["int8"]["photos"], found["int8"]["lost"]) == (32, None)
    nodes = onnx.load(tmp_path / "int8" / "network.onnx").graph.node
    assert [node.op_type for node in nodes[-2:]] == ["DequantizeLinear", "Softmax"]


def test_advice_for_other_classes_names_no_flag_it_lacks(bundle, script, tmp_path):
    few = write_photos(tmp_path / "photos", 3)
    (few / "cat").rename(few / "horse")
    about = ("--bundle", bundle.folder, "--output", tmp_path / "new")
    result = script("deploy/export", *about, "--int8", "--data", few)
    assert result.code == 2 and "Name the class folders" in result.stderr
    assert "--exclude" not in result.stderr


@pytest.mark.slow
def test_int8_that_loses_is_refused(bundle, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("sightkit.apps.deploy.proof.MOST_LOST", -1.0)  # whatever it loses
    with pytest.raises(SightkitError, match="int8 may lose"):
        deploy.export_bundle(bundle, tmp_path / "int8", data=photos, int8=True)
    assert not (tmp_path / "int8").exists()


def test_flags_are_checked_before_work(bundle, tmp_path):
    good = {"bundle": bundle.folder, "output": tmp_path / "new"}
    deploy.ExportFlags(**good)
    features, images = tmp_path / "features.h5", tmp_path / "images.h5"
    for file, rows in ((features, np.zeros((6, 4), "f4")), (images, np.zeros((6, 8, 8, 3), "u1"))):
        with io.HDF5DatasetWriter(
            rows.shape,
            file,
            class_names=NAMES,
            splits={"train": 3, "test": 3},
            dtype=rows.dtype.name,
        ) as writer:
            writer.add(rows, np.arange(6) % 3)
    deploy.ExportFlags(**good, data=images)
    for flags, match in [
        ({"bundle": None}, "trained network"),
        ({"int8": True}, "labelled photos"),
        ({"page": tmp_path}, "onnxruntime-web"),
        ({"page": tmp_path, "format": "litert"}, "The page runs ONNX"),
        ({"int8": True, "data": tmp_path, "format": "openvino"}, "int8 is for onnx and litert"),
        ({"output": Path()}, "must have a name"),
        ({"output": bundle.folder}, "new or empty"),
        ({"data": tmp_path / "none.h5"}, "none.h5"),
        ({"data": features}, "must hold images"),
        ({"split": "validation"}, "split is of "),
    ]:
        with pytest.raises(SightkitError, match=match):
            deploy.ExportFlags(**{**good, **flags})
