"""train_super_resolution, upscale and evaluate_super_resolution, from flags to files."""

from __future__ import annotations

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest

from sightkit import _scripts, io, zoo
from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.experiments import ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    io.write_sample_photos(folder)
    for path in sorted(folder.rglob("*.png"))[4:]:
        path.unlink()
    return folder


@pytest.fixture
def train():
    return _scripts.load("generative/train_super_resolution")


@pytest.fixture
def upscale():
    return _scripts.load("generative/upscale")


@pytest.fixture
def bundle(folder, tmp_path):
    keras.utils.set_random_seed(1)
    network = zoo.build("subpixel_x2", input_shape=(20, 20, 1))
    canary = io.read_image(next(folder.rglob("*.png")))
    return generative.save_upscaler(tmp_path / "bundle", network, 2, canary)


SHORT = {"epochs": 2, "patches": 40, "batch_size": 8, "validation": 0.25}


@pytest.mark.faults
@pytest.mark.parametrize("network", ("subpixel", "srcnn_paper"))
def test_a_stopped_training_resumes_to_the_same_weights(network, train, folder, tmp_path):
    class Stop(Exception):
        pass

    def stop(batch, logs=None):
        seen.append(batch)
        if len(seen) == 7:  # within the second epoch
            raise Stop

    seen: list[int] = []
    options = {"network": network, "factor": 3, "learning_rate": 1e-4, **SHORT}
    config = train.Config(data=folder, output=tmp_path / "a", **options)
    straight = train.main(config)
    assert straight["val"]["psnr_above_bicubic"] > -1
    broken = dataclasses.replace(config, output=tmp_path / "b")
    with pytest.raises(Stop):
        train.main(broken, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    resumed = train.main(dataclasses.replace(broken, resume=True))
    assert resumed == straight
    loaded = generative.load_upscaler(tmp_path / "b" / "bundle")
    assert (loaded.factor, loaded.description["metrics"]) == (3, straight)


@pytest.mark.slow
def test_test_pictures_are_enlarged_once_and_are_in_the_ledger(
    train, folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    short = {**SHORT, "epochs": 1}
    config = train.Config(data=folder, test=folder, output=tmp_path / "run", **short)
    found = train.main(config)["test"]
    (row,) = ledger.read(ledger.LOCAL)
    assert (row["experiment"], row["network"]) == ("train_super_resolution", "subpixel_x2")
    assert (row["train_images"], row["test_images"]) == (3, 4)
    assert row["metrics"]["psnr_above_bicubic"] == found["psnr_above_bicubic"]


def test_a_test_picture_that_cannot_be_compared_is_refused_before_the_training(
    train, folder, tmp_path
):
    (tmp_path / "test").mkdir()
    io.write_png(tmp_path / "test" / "small.png", np.zeros((12, 30, 3), np.uint8))
    config = train.Config(data=folder, test=tmp_path / "test", output=tmp_path / "run", **SHORT)
    with pytest.raises(SightkitError, match=r"pixels a side.*small\.png"):
        train.main(config)
    assert not (tmp_path / "run" / "history.csv").exists()


def test_a_loss_of_nan_stops_the_training(train, folder, tmp_path):
    config = train.Config(data=folder, output=tmp_path / "run", learning_rate=1e9, **SHORT)
    with pytest.raises(SightkitError, match="loss"):
        train.main(config)
    assert not (tmp_path / "run" / "bundle").exists()


def test_a_folder_that_is_not_there_is_refused_before_keras(script, tmp_path):
    result = script("generative/train_super_resolution", "--data", "nowhere", cwd=tmp_path)
    assert result.code == 2 and "nowhere" in result.stderr and result.heavy == ""


@pytest.mark.slow
def test_a_picture_smaller_than_a_patch_is_refused(train, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "photos")
    io.write_png(tmp_path / "photos" / "small.png", np.zeros((20, 30, 3), np.uint8))
    config = train.Config(data=tmp_path / "photos", output=tmp_path / "run", **SHORT)
    with pytest.raises(SightkitError, match=r"Give --patch 20,.*small.png|small.png.*--patch 20,"):
        train.main(config)
    short = {**SHORT, "epochs": 1, "patch": 8, "overwrite": True}
    train.main(train.Config(data=tmp_path / "photos", output=tmp_path / "run", **short))


@pytest.mark.parametrize(
    "flags",
    (
        {"patch": 35},
        {"epochs": 0},
        {"validation": 0.0},
        {"learning_rate": 0.0},
        {"resume": True, "overwrite": True},
    ),
)
def test_flags_out_of_range_are_refused(flags, train):
    with pytest.raises(SightkitError):
        train.Config(**flags)


@pytest.mark.slow
def test_upscale_writes_each_photo(upscale, bundle, folder, tmp_path):
    output = tmp_path / "large"
    config = upscale.Config((folder,), bundle=bundle, output=output)
    found = upscale.main(config)
    assert len(found) == 4
    for photo, result in found.items():
        small, large = io.read_image(photo), io.read_image(output / result)
        assert large.shape == (2 * small.shape[0], 2 * small.shape[1], 3)
    with pytest.raises(SightkitError, match="Give --overwrite"):
        upscale.main(config)
    assert upscale.main(dataclasses.replace(config, overwrite=True)) == found


def test_upscale_writes_the_others_where_one_is_bad(upscale, bundle, folder, tmp_path, capsys):
    photos = tmp_path / "photos"
    shutil.copytree(folder, photos)
    (photos / "china" / "bad.png").write_bytes(b"no picture")
    config = upscale.Config((photos,), bundle=bundle, output=tmp_path / "large")
    with pytest.raises(SightkitError, match="bad=1, files=5"):
        upscale.main(config)
    assert len([*(tmp_path / "large").rglob("*_x2.png")]) == 4
    with pytest.raises(SightkitError, match="files that are not ours"):
        upscale.main(dataclasses.replace(config, output=photos, overwrite=True))


def test_upscale_refuses_a_factor_before_keras(upscale, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(generative, "load_upscaler", pytest.fail)
    options = {"bundle": bundle, "output": tmp_path / "large"}
    with pytest.raises(SightkitError, match="Enlarge by 2"):
        upscale.main(upscale.Config((bundle / "canary.png",), factor=4, **options))
    with pytest.raises(SightkitError, match="Give --bundle"):
        upscale.Config((bundle / "canary.png",))


def test_evaluate_prints_all_protocols(bundle, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evaluate = _scripts.load("generative/evaluate_super_resolution")
    config = evaluate.Config(data=folder, bundle=(bundle,), output=tmp_path / "out")
    found = evaluate.main(config)
    assert [row["network"] for row in found["rows"]] == ["bicubic", str(bundle)]
    bicubic, made = (row["protocols"] for row in found["rows"])
    published = str(generative.PUBLISHED)
    assert len(bicubic) == 4 and made[published]["psnr"] == pytest.approx(
        bicubic[published]["psnr"], abs=0.5
    )
    text = capsys.readouterr().out
    assert f"{bicubic[published]['psnr']:.2f} {bicubic[published]['ssim']:.4f}" in text
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert report["rows"] == found["rows"]
    rows = ledger.read(ledger.LOCAL)
    assert [(row["network"], row["test_images"]) for row in rows] == [
        (each["network"], report["pictures"]) for each in report["rows"]
    ]
    assert rows[1]["metrics"][f"{published}.psnr"] == made[published]["psnr"]
    assert io.read_image(tmp_path / "out" / "comparison.png").shape[2] == 3
    with pytest.raises(SightkitError, match="Give --overwrite"):
        evaluate.main(config)
    with pytest.raises(SightkitError, match="Give --data"):
        evaluate.Config()
