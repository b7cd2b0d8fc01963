"""scripts/import_network.py: one's own network becomes a bundle that the other scripts take."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import transfer
from sightkit._errors import SightkitError
from sightkit.io import write_png

SIDE = 12


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Dark and bright pictures, a folder a class."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, low in (("bright", 150), ("dark", 20)):
        (folder / name).mkdir()
        for number in range(8):
            image = rng.integers(low, low + 90, (20, 30, 3)).astype(np.uint8)
            write_png(folder / name / f"{number}.png", image)
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Tells dark pictures, of pixels from 0 to 1, from bright ones: one logit."""
    made = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(3, 1, name="colours"),
            layers.MaxPooling2D(2, name="maps"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, name="dark"),
        ]
    )
    made.get_layer("colours").set_weights([np.eye(3)[None, None], np.zeros(3)])
    made.get_layer("dark").set_weights([np.full((3, 1), -5.0), np.array([7.5])])
    path = tmp_path_factory.mktemp("network") / "mine.keras"
    made.save(path)
    return path


@pytest.fixture(scope="module")
def imported(network, photos, script, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported") / "mine"
    flags = ("--network", network, "--class-names", photos, "--data", photos, "--output", folder)
    result = script("import_network", *flags)
    assert result.code == 0, result.stderr
    return folder, result


@pytest.mark.slow
def test_the_range_of_pixels_is_found_and_said(imported):
    folder, result = imported
    lines = result.stdout.splitlines()
    assert "sigmoid was added" in result.stderr and "second class alone" in result.stderr
    assert lines[0].startswith("Pixels 0-1: 100.0% of 16 photos right, mean loss 0.")
    assert "They are scaled to 0-1 (" in result.stdout
    assert "2 classes: bright, dark" in lines
    assert lines[-1] == str(folder)
    description = json.loads((folder / "bundle.json").read_text())
    assert description["training"]["pixels"] == "0-1"
    assert description["metrics"]["imported"] == {"rank1": 1.0, "count": 16}


def test_predict_takes_it(imported, photos, script):
    result = script("predict", "--bundle", imported[0], photos / "dark" / "1.png", "--top", 1)
    assert result.code == 0 and "dark" in result.stdout, result.stderr


@pytest.mark.slow
def test_the_other_scripts_take_it(imported, photos, script, tmp_path):
    folder = imported[0]
    result = script("evaluate", "--bundle", folder, "--data", photos)
    assert result.code == 0 and "100.00 %" in result.stdout, result.stderr
    features = tmp_path / "features.h5"
    result = script("extract_features", "--model", folder, "--data", photos, "--output", features)
    assert result.code == 0 and "at maps" in result.stdout, result.stderr


@pytest.mark.slow
def test_a_head_on_its_features_is_a_bundle_too(imported, photos, script, tmp_path):
    features, run = tmp_path / "features.h5", tmp_path / "head"
    flags = ("--model", imported[0], "--data", photos, "--output", features)
    assert script("extract_features", *flags).code == 0
    result = script("train_logistic", "--features", features, "--folds", 2, "--output", run)
    assert result.code == 0, result.stderr
    result = script("predict", "--bundle", run / "bundle", photos / "bright" / "1.png", "--top", 1)
    assert result.code == 0 and "bright" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("flags", "told"),
    (
        ((), "Give --network."),
        (("--network", "x.keras"), "Give --class-names."),
        (("--network", "x.keras", "--class-names", "one"), "two classes at least"),
        (("--network", "x.keras", "--class-names", "x.json"), "a name a line, or JSON"),
        (("--network", "x.keras", "--class-names", "a,b", "--size", 0, 3), "--size"),
        (("--network", "x.keras", "--class-names", "a,b", "--output", "."), "--overwrite"),
    ),
)
def test_what_is_wrong_is_one_line_before_keras(flags, told, script, tmp_path):
    result = script("import_network", *flags, cwd=tmp_path)
    assert result.code == 2 and told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.heavy == ""


@pytest.mark.slow
def test_pixels_that_nothing_tells_are_asked_for(network, script, tmp_path):
    flags = ("--network", network, "--class-names", "a,b", "--output", tmp_path / "b")
    result = script("import_network", *flags)
    assert result.code == 2 and "--pixels 0-1, -1-1" in result.stderr
    result = script("import_network", *flags, "--pixels", "0-1")
    assert result.code == 0 and (tmp_path / "b" / "bundle.json").is_file(), result.stderr


def test_a_folder_of_the_user_is_not_replaced(network, script, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"mine")
    flags = ("--network", network, "--class-names", "a,b", "--pixels", "0-1")
    result = script("import_network", *flags, "--output", tmp_path, "--overwrite")
    assert result.code == 2 and "must be new or empty" in result.stderr
    assert (tmp_path / "photo.png").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("text", "name"),
    (
        ("cat\ndog\n\nhen\n", "names.txt"),
        ("\ufeffcat\r\ndog\r\nhen", "names.txt"),
        ('["cat", "dog", "hen"]', "names.json"),
        ('{"dog": 1, "cat": 0, "hen": 2}', "names.json"),
        ('{"1": "dog", "0": "cat", "2": "hen"}', "names.json"),
    ),
)
def test_class_names_come_in_many_forms(text, name, tmp_path):
    (tmp_path / name).write_text(text)
    assert transfer.read_class_names(str(tmp_path / name)) == ("cat", "dog", "hen")
    assert transfer.read_class_names("cat, dog,hen") == ("cat", "dog", "hen")


@pytest.mark.parametrize(
    "text", ("{", "[[1]", '{"cat": 0, "dog": 2}', '{"0": "cat", "5": "dog"}', "7")
)
def test_class_names_without_an_order_are_refused(text, tmp_path):
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(SightkitError):
        transfer.read_class_names(str(tmp_path / "names.json"))


@pytest.mark.faults
def test_it_is_fine_tuned(imported, photos, script, tmp_path):
    run = tmp_path / "run"
    paths = ("--model", imported[0], "--data", photos, "--output", run)
    flags = (*"--smoke --preflight off".split(), *paths)
    result = script("finetune", *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    description = json.loads((run / "bundle" / "bundle.json").read_text())
    assert description["kind"] == "keras" and description["class_names"] == ["bright", "dark"]
    names = [each["name"] for each in description["network"]["keras"]["config"]["layers"]]
    assert "colours" in names and "logits" in names and "dark" not in names
    result = script("predict", "--bundle", run / "bundle", photos / "dark" / "1.png")
    assert result.code == 0, result.stderr


def bundle_of(network, folder, photos, names=("bright", "dark"), **options):
    return transfer.import_network(network, folder / "b", names, data=photos, **options)


def test_names_in_the_wrong_order_choose_no_range(network, photos, tmp_path, capsys):
    with pytest.raises(SightkitError, match="order of --class-names, now dark, bright"):
        bundle_of(network, tmp_path, photos, ("dark", "bright"))
    assert "Pixels caffe: " in capsys.readouterr().out
    assert not (tmp_path / "b").exists()
    bundle_of(network, tmp_path, photos, ("dark", "bright"), pixels="0-1")
    assert "check the order of --class-names" in capsys.readouterr().err


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    """Tells dark pictures from bright ones by one channel, from 0 to 1."""
    made = keras.Sequential(
        [keras.Input((SIDE, SIDE, 1)), layers.GlobalAveragePooling2D(), layers.Dense(1)]
    )
    made.layers[-1].set_weights([np.full((1, 1), -15.0), np.array([7.5])])
    path = tmp_path_factory.mktemp("grey") / "grey.keras"
    made.save(path)
    return path


def test_grey_networks_are_tried_on_the_ranges_that_fit(grey, photos, tmp_path, capsys):
    trials = bundle_of(grey, tmp_path, photos)
    assert [trial.pixels for trial in trials] == ["0-1", "-1-1", "0-255"]
    assert "check the order" not in capsys.readouterr().err
    with pytest.raises(SightkitError, match="0-1, -1-1, 0-255"):
        bundle_of(grey, tmp_path / "c", photos, pixels="imagenet")


def test_pixels_that_are_scaled_twice_are_said(tmp_path, capsys):
    made = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    )
    made.save(tmp_path / "mine.keras")
    for pixels, twice in (("0-1", True), ("0-255", False), (None, False)):
        place = tmp_path / str(pixels)
        transfer.import_network(tmp_path / "mine.keras", place, ("a", "b"), pixels=pixels)
        assert ("scales them twice" in capsys.readouterr().err) is twice


@pytest.mark.parametrize(
    ("right", "chance", "count", "knows"),
    (
        (5 / 15, 5 / 15, 15, False),
        (0.6, 0.6, 256, False),
        (0.2, 0.5, 99, False),
        (1.0, 0.5, 4, True),
        (0.75, 1 / 3, 15, True),
        (0.1, 0.01, 256, True),
    ),
)
def test_better_than_chance_needs_more_than_luck(right, chance, count, knows):
    from sightkit.transfer.pixel_ranges import Trial

    assert Trial("0-1", right, 1.0, chance, count, []).knows is knows


def begins_with(first, folder, suffix=".keras"):
    """Save a network that scales pixels by layers or operations before its own layers."""
    images = keras.Input((SIDE, SIDE, 3))
    found = layers.Dense(2, activation="softmax")(layers.Flatten()(first(images)))
    path = folder / f"mine{suffix}"
    keras.Model(images, found).save(path)
    return path


@pytest.mark.parametrize("suffix", (".keras", ".h5"))
@pytest.mark.parametrize(
    ("first", "itself"),
    (
        (lambda x: x / 127.5 - 1.0, True),
        (lambda x: (x - 127.5) * (1 / 58), True),
        (lambda x: x - 110.0, True),
        (layers.Rescaling(1 / 255), True),
        (layers.Normalization(mean=[120.0, 115, 100], variance=[4000.0, 4100, 4200]), True),
        (lambda x: x * 2.0 - 1.0, False),
        (layers.Rescaling(2.0, -1.0), False),
        (layers.Normalization(mean=[0.48, 0.46, 0.41], variance=[0.05, 0.05, 0.05]), False),
    ),
)
def test_a_network_that_scales_bytes_is_known_by_what_it_computes(first, itself, suffix, tmp_path):
    path = begins_with(first, tmp_path, suffix)
    output = tmp_path / "bundle"
    if itself:
        transfer.import_network(path, output, ("a", "b"))
        assert json.loads((output / "bundle.json").read_text())["training"]["pixels"] == "0-255"
    else:
        with pytest.raises(SightkitError, match="not in the file"):
            transfer.import_network(path, output, ("a", "b"))
