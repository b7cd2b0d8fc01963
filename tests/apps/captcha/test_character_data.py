"""Characters as a dataset file: none of a tested captcha, those of one captcha in one split."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps import captcha

from .conftest import touching_pair

SHARES = {"train": 0.5, "validation": 0.2, "test": 0.3}
TESTED = 5


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Sixty captchas, the characters cut out of them as the books name them, and a table."""
    root = tmp_path_factory.mktemp("drawn")
    for name in ("captchas", "dataset"):
        (root / name).mkdir()
    texts = captcha.random_texts(60, alphabet="123", length=4)
    written = captcha.write_captchas(root / "captchas", texts)
    counts = dict.fromkeys("123", 0)
    for path, text in written.items():
        for label, character in zip(text, captcha.cut_characters(io.read_image(path)), strict=True):
            counts[label] += 1
            (root / "dataset" / label).mkdir(exist_ok=True)
            cv2.imwrite(str(root / f"dataset/{label}/{counts[label]:06d}.png"), character)
    rows = [captcha.LabelledCaptcha(path.name, "", text) for path, text in written.items()]
    captcha.write_labels(root / "labels.csv", rows[:TESTED])
    return root


def build(drawn: Path, path: Path, **options):
    given = {"captchas": drawn / "captchas", "fractions": SHARES, **options}
    return captcha.build_characters(path, drawn / "dataset", **given)


def captchas_of_splits(drawn: Path, file: io.DatasetFile) -> dict[str, set[str]]:
    """The captchas of each split, by the pixels of the characters in the folder."""
    whose = {}
    for path in sorted((drawn / "captchas").iterdir()):
        for character in captcha.cut_characters(io.read_image(path)):
            whose[character.shape, character.tobytes()] = path.name
    found = {}
    for split, (first, last) in file.splits.items():
        names = [*file.sources()[first:last]]
        images = [io.read_image(drawn / "dataset" / name)[..., :1] for name in names]
        found[split] = {whose[image.shape, image.tobytes()] for image in images}
    return found


def test_a_tested_captcha_has_no_character_in_the_file(drawn, tmp_path):
    file, facts = build(drawn, tmp_path / "a.h5", tested=drawn / "labels.csv")
    tested = {f"{k:05d}.png" for k in range(TESTED)}
    splits = captchas_of_splits(drawn, file)
    assert not set().union(*splits.values()) & tested
    assert facts["characters"] == 240
    assert facts["of_known_captchas"] == 240
    assert (
        facts["equal to a character of a tested captcha"] == 4 * TESTED
    )  # with noise none is equal
    assert file.shape == (240 - 4 * TESTED, 28, 28, 1)


def test_characters_of_a_captcha_stay_in_one_split(drawn, tmp_path):
    file, _ = build(drawn, tmp_path / "a.h5")
    splits = captchas_of_splits(drawn, file)
    assert sum(map(len, splits.values())) == len(set().union(*splits.values())) == 60
    alone, facts = build(drawn, tmp_path / "b.h5", captchas=None)  # the test can fail
    splits = captchas_of_splits(drawn, alone)
    assert sum(map(len, splits.values())) > 60
    assert facts["of_known_captchas"] == 0


def test_an_excluded_character_is_left_out_and_must_be_there(drawn, tmp_path):
    file, facts = build(drawn, tmp_path / "a.h5", exclude=("2/000003.png",))
    assert facts["excluded"] == 1
    assert "2/000003.png" not in file.sources()
    with pytest.raises(SightkitError, match=r"excluded must be there.*2/9\.png"):
        build(drawn, tmp_path / "b.h5", exclude=("2/9.png",))


def test_the_same_file_is_opened_again(drawn, tmp_path):
    first, _ = build(drawn, tmp_path / "a.h5", tested=drawn / "labels.csv")
    again, _ = build(drawn, tmp_path / "a.h5", tested=drawn / "labels.csv")
    assert first.sha256 == again.sha256
    with pytest.raises(SightkitError, match="recipe"):
        build(drawn, tmp_path / "a.h5")


def test_a_tested_table_needs_the_captchas(drawn, tmp_path):
    with pytest.raises(SightkitError, match="--captchas"):
        build(drawn, tmp_path / "a.h5", captchas=None, tested=drawn / "labels.csv")


def test_odd_captchas_are_reported_and_counted(drawn, tmp_path, capsys):
    folder = tmp_path / "captchas"
    folder.mkdir()
    for path in (drawn / "captchas").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    cv2.imwrite(str(folder / "odd.png"), touching_pair())
    build(drawn, tmp_path / "a.h5", captchas=folder)
    assert "1 of 61 captchas have another number of characters than 4: odd.png" in (
        capsys.readouterr().err
    )


def test_a_truncated_character_is_named(drawn, tmp_path):
    folder = tmp_path / "dataset"
    for path in (drawn / "dataset").glob("*/*.png"):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).write_bytes(path.read_bytes())
    bad = folder / "1/000001.png"
    bad.write_bytes(bad.read_bytes()[:60])
    with pytest.raises(SightkitError, match=r"1/000001\.png"):
        captcha.build_characters(tmp_path / "a.h5", folder, fractions=SHARES)


def test_stored_characters_are_padded_squares(drawn, tmp_path):
    file, _ = build(drawn, tmp_path / "a.h5")
    image = np.asarray(io.HDF5DatasetGenerator(file.path, 1, preprocessors=None)[0][0])[0]
    assert image.shape == (28, 28, 1)
    assert np.median(image[:, [0, -1]]) > 240  # the ground, replicated
