"""train: any network on photos that no script knows, from a folder, an archive or a table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sightkit import _run_files, io
from sightkit._errors import SightkitError
from sightkit.experiments import scripts
from sightkit.io.sources import folder_dataset


def write_photos(folder, *, count=20, classes=("bright", "dark"), side=16):
    """Photos of one brightness a class, each with a pixel of its own."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for k in range(count):
            image = rng.integers(100 * number, 100 * number + 60, (side, side, 3)).astype(np.uint8)
            io.write_png(folder / name / f"{k}.png", image)
    return folder


@pytest.fixture
def parse():
    script = scripts.load_experiment("train")
    return lambda flags: scripts.parse_flags(script, flags)


def test_a_command_takes_what_is_chosen_and_then_what_is_given(parse, tmp_path):
    photos = write_photos(tmp_path / "photos")
    config = parse(f"--network resnet20 --data {photos}")
    assert (config.size, config.epochs, config.reg) == ((32, 32), 100, 2.5e-4)
    config = parse(f"--network resnet20 --data {photos} --size 16 --no-flip --epochs=3")
    assert (config.size, config.epochs, config.flip) == ((16, 16), 3, False)
    config = parse(f"--network lenet --data {photos} --batch_size 8")
    assert (config.batch_size, config.optimizer) == (8, "adam")


def test_a_smoke_run_is_as_long_as_it_is_told(parse, tmp_path):
    photos = write_photos(tmp_path / "photos")
    assert parse(f"--data {photos} --smoke").epochs == 2
    assert parse(f"--data {photos} --smoke --epochs 3").epochs == 3


def test_a_run_lists_a_folder_once(parse, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "photos")
    listed = []
    scan = folder_dataset.scan_folder
    monkeypatch.setattr(
        folder_dataset,
        "scan_folder",
        lambda *args, **own: listed.append(args) or scan(*args, **own),
    )
    config = parse("--data photos")
    assert len(listed) == 2  # for the choices; and to look into it before the run begins
    config.report_choices()
    assert config.file().shape[0] == 40 and len(listed) == 2


def test_features_of_a_table_are_of_its_photos_too(parse, tmp_path, capsys):
    photos = write_photos(tmp_path / "photos", side=40)
    rows = [f"{path.relative_to(photos)},{path.parent.name}" for path in photos.rglob("*.png")]
    (photos / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    parse(f"--data {photos}/labels.csv").report_choices()
    assert f"--data {photos} --labels {photos}/labels.csv" in capsys.readouterr().out


def test_flip_and_variation_make_the_augmentation(parse, tmp_path):
    photos = write_photos(tmp_path / "photos")
    varied = parse(f"--data {photos} --variation shifts --no-flip").augmentation(16, 16)
    assert (varied.horizontal_flip, varied.translation, varied.rotation) == (False, 0.1, 0)
    assert parse(f"--data {photos} --flip").augmentation(16, 16).horizontal_flip


def test_choices_are_in_the_runs_config(parse, tmp_path):
    photos = write_photos(tmp_path / "photos")
    assert parse(f"--data {photos} --network lenet").to_json()["size"] == [16, 16]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "told"),
    (
        (("--data", "nowhere"), "Nothing exists there"),
        (("--data", "photos", "--network", "resnet_20"), "resnet20"),
        (("--network", "resnet_20"), "resnet20"),
        (("--data", "photos", "--network", "unet"), "must be a classifier"),
        (("--data", "one"), "class"),
        (("--data", "few"), "few"),
        (("--data", "file.h5"), "HDF5"),
        (("--data", "photos", "--epochs", 0), "--epochs"),
        (("--data", "photos", "--groups", "nothing"), "groups"),
    ),
)
def test_what_a_user_can_cause_is_refused(flags, told, script, tmp_path):
    write_photos(tmp_path / "photos", count=4)
    write_photos(tmp_path / "one", count=4, classes=("alone",))
    write_photos(tmp_path / "few", count=1)
    (tmp_path / "file.h5").write_text("no HDF5")
    result = script("train", *flags, cwd=tmp_path)
    assert result.code == 2, result.stderr
    assert told in result.stderr.splitlines()[-1]
    assert not (tmp_path / "datasets").exists()


def test_too_few_photos_for_three_splits_name_the_class(script, tmp_path):
    write_photos(tmp_path / "photos", count=2)
    result = script("train", "--data", "photos", "--network", "lenet", cwd=tmp_path)
    assert result.code == 2 and "bright" in result.stderr.splitlines()[-1], result.stderr


def test_a_network_that_does_not_fit_is_refused_before_photos_are_stored(script, tmp_path):
    write_photos(tmp_path / "photos")
    flags = ("--network", "minivggnet", "--size", 4096, "--batch-size", 512)
    result = script("train", "--data", "photos", *flags, cwd=tmp_path)
    assert result.code == 2, result.stderr
    line = result.stderr.splitlines()[-1]
    assert "must fit into memory" in line and "--size" in line and "34,3" in line
    assert not (tmp_path / "datasets").exists()


def test_reg_is_refused_where_a_network_has_none(script, tmp_path):
    write_photos(tmp_path / "photos")
    flags = ("--network", "mobilenet_0.25", "--reg", 0.1)
    result = script("train", "--data", "photos", *flags, cwd=tmp_path)
    assert result.code == 2 and "Leave out --reg" in result.stderr


def test_a_dataset_file_refuses_what_it_has_already(parse, write_dataset):
    with pytest.raises(SightkitError, match="--groups"):
        parse(f"--data {write_dataset()} --groups parent")


def finish(script, folder, *flags):
    result = script("train", *flags, cwd=folder)
    assert result.code == 0, result.stderr
    return result


@pytest.mark.slow
def test_a_zip_with_a_folder_in_a_folder_becomes_a_bundle(script, tmp_path):
    write_photos(tmp_path / "all" / "inner" / "photos", side=40)
    shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path / "all")
    shutil.rmtree(tmp_path / "all")
    flags = ("--data", "photos.zip", "--network", "lenet", "--epochs", 2, "--size", 16)
    result = finish(script, tmp_path, *flags, "--preflight", "off")
    text = result.stdout
    assert text.index("extract_features.py") < text.index("40 photos of 2 classes")
    assert "epochs         2: as given" in text and "learning_rate  0.001: adam" in text
    assert "memory: " in text and "time: about " in text
    run = tmp_path / "runs/train/default"
    config = json.loads((run / _run_files.CONFIG).read_text())
    assert (config["batch_size"], config["class_weights"]) == (32, "none")
    resumed = finish(script, tmp_path, *flags, "--preflight", "off", "--resume")
    assert "time: about" not in resumed.stdout
    photo = next((tmp_path / "datasets").glob("photos-*/**/*.png"))
    predicted = script("predict", photo, "--bundle", run / "bundle", cwd=tmp_path)
    assert predicted.code == 0, predicted.stderr


@pytest.mark.slow
def test_a_table_and_a_dataset_file_are_taken(script, tmp_path):
    photos = write_photos(tmp_path / "photos")
    rows = [f"{path.relative_to(photos)},{path.parent.name}" for path in photos.rglob("*.png")]
    (photos / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    flags = ("--network", "shallownet", "--epochs", 1, "--preflight", "off")
    finish(script, tmp_path, "--data", "photos/labels.csv", *flags)
    file = next((tmp_path / "datasets").glob("*.h5"))
    again = finish(script, tmp_path, "--data", file, *flags, "--output", "run")
    assert "40 photos" not in again.stdout and "28 photos of 2 classes" in again.stdout
    other = finish(script, tmp_path, "--data", file, *flags, "--output", "other", "--split-seed", 7)
    assert other.code == 0


@pytest.mark.faults
def test_an_ensemble_of_it_is_trained(script, tmp_path):
    write_photos(tmp_path / "photos")
    flags = "--data photos --network lenet --epochs 1 --preflight off"
    result = script("ensemble", "train", "--members", 2, f"--flags={flags}", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert (tmp_path / "runs/ensembles/train/member-2/bundle").is_dir()


def test_its_former_name_is_answered():
    with pytest.raises(SightkitError, match="--network minivggnet"):
        scripts.load_experiment("train_minivggnet_photos")


def test_photos_that_cannot_be_read_are_no_reason_to_stop(parse, tmp_path):
    photos = write_photos(tmp_path / "photos")
    (photos / "bright" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert parse(f"--data {photos}").data == Path(photos)
