"""HEIC where pillow-heif is installed; else a refusal that names it."""

from __future__ import annotations

import io
import struct
import sys

import cv2
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import FolderDataset, build_dataset, decode_image, read_image, write_png
from sightkit.preprocessing import Pipeline, SimplePreprocessor

FRACTIONS = {"train": 0.5, "validation": 0.25, "test": 0.25}
CHAIN = Pipeline((SimplePreprocessor(8, 8),))


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


@pytest.fixture
def heif():
    return pytest.importorskip("pillow_heif", reason="the extra heic is not installed")


def heic(heif, image, mode="RGB", **options):
    height, width = image.shape[:2]
    file = io.BytesIO()
    heif.from_bytes(mode, (width, height), image.tobytes()).save(file, quality=100, **options)
    return file.getvalue()


def smooth(height=48, width=64):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 4, columns * 3, 200 - rows - columns], -1).astype(np.uint8)


@pytest.mark.parametrize("brand", (b"heic", b"heix", b"hevc", b"mif1"))
def test_heic_without_its_decoder_is_refused_with_what_to_do(brand, absent, tmp_path):
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(b"\x00\x00\x00\x18ftyp" + brand + bytes(100))
    with pytest.raises(SightkitError, match=r"HEIC.*pip install.*IMG_0001.*Convert"):
        read_image(path)


@pytest.mark.parametrize("named", (".heic", ".HEIF", "", ".jpg"))
def test_heic_without_its_decoder_is_named_and_counted(named, absent, tmp_path, capsys):
    for label, value in (("a", 40), ("b", 200)):
        for number in range(10):
            (tmp_path / "in" / label).mkdir(parents=True, exist_ok=True)
            write_png(
                tmp_path / "in" / label / f"{number}.png",
                np.full((8, 8, 3), value + number, np.uint8),
            )
        for number in range(2):
            path = tmp_path / "in" / label / f"IMG_{number}{named}"
            path.write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    source, path = FolderDataset(tmp_path / "in"), tmp_path / "out.h5"
    for share in (0.1, 0.16):
        with pytest.raises(SightkitError, match=r"4 of 24 images are left out: 4 HEIC, .*heic"):
            build_dataset(source, path, preprocessors=CHAIN, fractions=FRACTIONS, max_bad=share)
    file = build_dataset(source, path, preprocessors=CHAIN, fractions=FRACTIONS, max_bad=0.17)
    assert len(file.labels) == 20
    assert "4 HEIC, which needs pillow-heif" in capsys.readouterr().err


@pytest.mark.parametrize("size", ((48, 64), (64, 48)))
def test_heic_is_decoded_as_rgb(size, heif):
    image = smooth(*size)
    decoded = decode_image(heic(heif, image))
    assert decoded.dtype == np.uint8 and decoded.shape == image.shape
    assert np.abs(decoded.astype(int) - image).mean() < 3


def test_heic_of_other_forms(heif):
    grey, alpha = smooth()[..., 0], np.zeros((48, 64, 1), np.uint8)
    decoded = decode_image(heic(heif, np.ascontiguousarray(grey), "L"))
    assert np.abs(decoded.astype(int) - grey[..., np.newaxis]).mean() < 3
    decoded = decode_image(heic(heif, np.concatenate([smooth(), alpha], -1), "RGBA"))
    assert decoded.shape == (48, 64, 3) and decoded.min() > 245  # composited on white


def test_heic_is_turned_once(heif):
    """Phones write the turn twice, as a property and in the EXIF; the EXIF is not for us."""
    from PIL import Image

    tags = Image.Exif()
    tags[0x0112] = 6
    decoded = decode_image(heic(heif, smooth(), exif=tags.tobytes()))
    assert np.abs(decoded.astype(int) - np.rot90(smooth(), -1)).mean() < 3


def test_heic_that_is_cut_off_or_too_large_is_refused(heif):
    data = heic(heif, smooth())
    for cut in (12, 40, len(data) // 2, len(data) - 10):
        with pytest.raises(SightkitError, match="decoded completely"):
            decode_image(data[:cut])
    with pytest.raises(SightkitError, match="pixels at most"):
        decode_image(data, maximum_pixels=100)


def test_heic_that_is_damaged_is_refused_or_decoded(heif):
    data, rng = bytearray(heic(heif, smooth())), np.random.default_rng(0)
    for _ in range(60):
        place = int(rng.integers(8, len(data)))
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:
            assert decode_image(bytes(damaged)).shape[2] == 3
        except SightkitError:
            pass


@pytest.mark.parametrize("size", ((8, 8), (6400, 4800), (64, 4)))
def test_heic_whose_size_is_not_that_of_its_stream_is_refused(size, heif):
    data = bytearray(heic(heif, smooth()))
    place = data.index(b"ispe") + 8  # image spatial extents: width, height
    data[place : place + 8] = struct.pack(">II", *size)
    with pytest.raises(SightkitError, match="decoded completely"):
        decode_image(bytes(data))


def test_an_avif_is_none(photo):
    _, avif = cv2.imencode(".avif", photo)
    assert decode_image(avif.tobytes()).shape == photo.shape
