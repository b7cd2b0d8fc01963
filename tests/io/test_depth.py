"""Files of 16 bits that hold 12: said at once, and brightened in a copy."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from sightkit import io, transfer
from sightkit._errors import SightkitError
from sightkit.io.verification import verify
from sightkit.preprocessing import SimplePreprocessor

SAID = r"files of 16 bits hold values up to [\d,]+ of 65,535"


def write(root, *, ending="png", largest=4095, shape=(40, 40), count=6):
    """Noise of 16 bits in two folders of a class each; the first image holds the largest value."""
    rng = np.random.default_rng(0)
    for number in range(2 * count):
        folder = root / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, largest + 1, shape).astype(np.uint16)
        image[0, 0] = largest
        assert cv2.imwrite(str(folder / f"{number}.{ending}"), image)
    return root


def build(folder, output):
    return io.build_dataset(
        folder,
        output,
        preprocessors=SimplePreprocessor(8, 8),
        fractions={"train": 0.5, "test": 0.5},
    )


@pytest.mark.parametrize(
    "options",
    (
        {},
        {"ending": "tiff"},
        {"shape": (40, 30, 3)},
        {"ending": "tiff", "shape": (40, 30, 3)},
        {"largest": 1023},
        {"largest": 255},
    ),
)
def test_12_bits_are_said_and_a_copy_is_right(options, tmp_path, capsys):
    folder = write(tmp_path / "in", **options)
    (folder / "a" / "notes.txt").write_text("stay")
    assert re.search(f"The 12 {SAID}", str(verify(folder)))
    build(folder, tmp_path / "x.h5")
    said = capsys.readouterr().err
    assert len(re.findall(SAID, said)) == 1
    step = re.search(r"from sightkit import (io; io\.spread_12_bits\(.*?\))", said)[1]
    step = step.removeprefix("io; ").replace("PHOTOS", str(folder))
    exec(step.replace("COPY", str(tmp_path / "copy")), {"io": io})
    assert (tmp_path / "copy" / "a" / "notes.txt").read_text() == "stay"
    capsys.readouterr()
    before, after = (build(tmp_path / p, tmp_path / f"{p}.h5") for p in ("in", "copy"))
    largest = options.get("largest", 4095)
    if largest == 4095:
        assert after.memmap().max() > 8 * before.memmap().max()
        assert not re.search(SAID, str(verify(tmp_path / "copy")))
    assert (verify(folder).checked, verify(tmp_path / "copy").checked) == (12, 12)


def test_16_bits_8_bits_and_black_files_are_not_called_12(tmp_path, capsys):
    write(tmp_path / "in", largest=65535)
    (tmp_path / "dark").mkdir()
    write(tmp_path / "mixed", largest=4000)
    cv2.imwrite(str(tmp_path / "mixed" / "a" / "bright.png"), np.full((40, 40), 5000, np.uint16))
    write(tmp_path / "black", largest=0)
    for name in ("in", "mixed", "black"):
        assert not re.search(SAID, str(verify(tmp_path / name)))
    for path in tmp_path.glob("in/*/*.png"):
        cv2.imwrite(str(path), np.full((40, 40), int(path.stem), np.uint8))
    build(tmp_path / "in", tmp_path / "x.h5")
    assert "16 bits" not in capsys.readouterr().err


def test_files_of_12_bits_among_those_of_8_are_said(tmp_path):
    write(tmp_path / "in", count=2)
    for number in range(5):
        image = np.full((40, 40, 3), 50 * number, np.uint8)
        cv2.imwrite(str(tmp_path / "in" / "a" / f"8-{number}.jpg"), image)
    assert re.search(f"The 4 {SAID}", str(verify(tmp_path / "in")))


def test_an_extraction_says_it_too(tmp_path, capsys):
    folder = write(tmp_path / "in")
    network = transfer.open_network("minivggnet", random=True)
    transfer.extract_features(network, transfer.open_photos(folder), tmp_path / "f.h5")
    assert len(re.findall(SAID, capsys.readouterr().err)) == 1


def test_what_is_no_12_bits_and_what_exists_is_refused(tmp_path):
    folder = write(tmp_path / "in", largest=4096)
    with pytest.raises(SightkitError, match=r"larger ones.*largest=4096"):
        io.spread_12_bits(folder, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    for given in ((folder, folder), (tmp_path / "none", tmp_path / "copy")):
        with pytest.raises(SightkitError, match="a folder to copy"):
            io.spread_12_bits(*given)
