"""--follow-links is one flag with one meaning, in every script that takes a folder of photos."""

from __future__ import annotations

import os

import numpy as np
import pytest

from sightkit import _scripts, transfer
from sightkit._errors import SightkitError
from sightkit.evaluation import PhotoFolder, check_data
from sightkit.evaluation.folder_batches import FolderBatches
from sightkit.io import BuildConfig, LinkFlags, verify, write_png

OTHERS = ("predict", "classify", "evaluate", "evaluate_ensemble", "extract_features", "finetune")
OTHERS += ("advise", "import_network", "verify_dataset")
NO_FOLDERS = ("build_cifar10", "build_fashion_mnist")


@pytest.fixture
def photos(tmp_path, rng):
    """Two photos of a dog; a link to a folder of two cats and one to a third dog."""
    folder = tmp_path / "photos"
    elsewhere = tmp_path / "elsewhere"
    for path in ("photos/dogs/1", "photos/dogs/2", "elsewhere/1", "elsewhere/2", "third"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / f"{path}.png", rng.integers(0, 256, (40, 40, 3)).astype(np.uint8))
    (folder / "cats").symlink_to(elsewhere)
    (folder / "dogs" / "3.png").symlink_to(tmp_path / "third.png")
    return folder


def builders() -> list[str]:
    names = (name for name in _scripts.scripts() if name.startswith("build_"))
    return [name for name in names if name not in NO_FOLDERS]


@pytest.mark.parametrize("name", (*OTHERS, *builders()))
def test_a_script_that_takes_photos_has_the_flag(name):
    assert issubclass(_scripts.load(name).Config, LinkFlags)


@pytest.mark.parametrize("name", NO_FOLDERS)
def test_a_script_that_takes_no_photos_has_it_not(name):
    config = _scripts.load(name).Config
    assert issubclass(config, BuildConfig) and not hasattr(config, "follow_links")


def test_photos_to_classify(photos, capsys):
    with pytest.raises(SightkitError, match="bad=3, files=5"):
        PhotoFolder([photos]).require_all()
    assert "Left out" in (said := capsys.readouterr().err) and "cats/1.png' (a link" in said
    followed = PhotoFolder([photos], follow_links=True)
    followed.require_all()
    assert [os.path.relpath(file, photos) for file in followed.files] == [
        "cats/1.png",
        "cats/2.png",
        "dogs/1.png",
        "dogs/2.png",
        "dogs/3.png",
    ]
    PhotoFolder([photos / "dogs" / "3.png"]).require_all()  # a link that the user names
    assert "Left out" not in capsys.readouterr().err


def test_photos_to_evaluate_on(photos, capsys):
    names = ("cats", "dogs")
    with pytest.raises(SightkitError, match="3 left out: a link, which is not followed"):
        check_data(photos, "test", names)
    (photos / "cats").unlink()
    (photos / "cats").mkdir()
    os.link(photos / "dogs" / "1.png", photos / "cats" / "4.png")
    for follow, count in ((False, 3), (True, 4)):
        assert check_data(photos, "test", names, follow_links=follow) == count
        batches = FolderBatches(photos, names, np.asarray, 8, follow_links=follow)
        batches[0]
        assert len(batches.labels) == count and len(batches.bad) == 4 - count
        assert ("1, 'dogs/3.png' (a link" in capsys.readouterr().err) is not follow


def test_photos_to_learn_from(photos, capsys):
    with pytest.raises(SightkitError, match="a link, which is not followed"):
        transfer.open_photos(photos)
    assert transfer.open_photos(photos, follow_links=True).splits == {"train": 5}


def test_photos_to_verify(photos):
    with pytest.raises(SightkitError, match="a link, which is not followed"):
        verify(photos)
    assert len(verify(photos, tolerance=1).bad) == 3
    assert verify(photos, follow_links=True).bad == ()


@pytest.mark.parametrize("name", ("build_dogs_vs_cats", "build_animals"))
def test_photos_of_a_published_data_set(name, tmp_path, rng):
    script, folder = _scripts.load(name), tmp_path / "data"
    form, kinds = "{}.{}.png", ("cat", "dog")
    if name == "build_animals":
        form, kinds = "{}/{}.png", ("cats", "dogs", "panda")
    paths = [folder / form.format(kind, number) for kind in kinds for number in range(12)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, rng.integers(0, 256, (40, 40, 3)).astype(np.uint8))
    paths[0].symlink_to(paths[0].rename(tmp_path / "moved.png"))
    given = {"data": folder, "output": tmp_path / "x.h5", "size": 8}
    with pytest.raises(SightkitError, match="a link"):
        script.main(script.Config(**given))
    found = script.main(script.Config(**given, follow_links=True))
    assert found["images"] == len(paths)
