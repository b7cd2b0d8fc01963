"""Near copies are found by their content, other images are left alone, and nothing is refused."""

from __future__ import annotations

import csv
import re

import cv2
import numpy as np
import pytest

from sightkit import io
from sightkit.io import FolderDataset, build_dataset, decode_image, verify, write_png
from sightkit.io import near_copies as module
from sightkit.io.near_copies import Thumbnails, near_copies, thumbnail
from sightkit.preprocessing import Pipeline, SimplePreprocessor

CHAIN = Pipeline((SimplePreprocessor(64, 64),))
THIRDS = {"train": 0.5, "validation": 0.25, "test": 0.25}


def scene(seed, height=120, width=150):
    """Colours with the spectrum of photographs, and a few shapes."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    shape = (*frequency.shape, 3)
    noise = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    noise[..., 1:] = 0.6 * noise[..., :1] + 0.4 * noise[..., 1:]
    waves = np.fft.irfft2(
        noise / np.maximum(frequency, 1 / width)[..., None], (height, width), (0, 1)
    )
    image = (waves - waves.min()) / np.ptp(waves) * 220
    for _ in range(4):
        center = rng.integers(0, (width, height)).tolist()
        cv2.circle(image, center, int(rng.integers(5, 30)), rng.integers(0, 255, 3).tolist(), -1)
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scenes():
    return [scene(seed) for seed in range(60)]


def resized(image, factor):
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def encoded(image, quality):
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return decode_image(cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes())


def cropped(image, rng, rows=0.05, columns=0.05):
    height, width = image.shape[:2]
    top, left = (
        int(rng.uniform(0, share * side)) for share, side in ((rows, height), (columns, width))
    )
    return image[top : top + round(height * (1 - rows)), left : left + round(width * (1 - columns))]


COPIES = {
    "smaller": lambda image, rng: resized(image, 0.6),
    "larger": lambda image, rng: resized(image, 2.5),
    "another shape": lambda image, rng: cv2.resize(image, (100, 100)),
    "JPEG": lambda image, rng: encoded(image, 30),
    "cropped": cropped,
    "a row of it cropped": lambda image, rng: cropped(image, rng, columns=0),
    "brighter": lambda image, rng: cv2.convertScaleAbs(image, alpha=0.9, beta=20),
    "grey": lambda image, rng: cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None],
    "all of it": lambda image, rng: encoded(resized(cropped(image, rng), 0.8), 60),
}


def pairs_of(images):
    thumbnails = Thumbnails(len(images))
    for number, image in enumerate(images):
        thumbnails.add(number, image)
    return set(map(tuple, thumbnails.pairs(np.arange(len(images))).tolist()))


@pytest.mark.parametrize("kind", COPIES)
def test_planted_copies_are_found(kind, scenes):
    rng = np.random.default_rng(1)
    copies = [COPIES[kind](image, rng) for image in scenes]
    count = len(scenes)
    found = pairs_of([*scenes, *copies])
    assert len(found & {(row, row + count) for row in range(count)}) >= 0.95 * count
    assert all(second == first + count for first, second in found)


def test_other_images_are_no_copies(scenes):
    mirrored = [image[:, ::-1] for image in scenes]
    turned = [image[::-1] for image in scenes]
    assert pairs_of([*scenes, *mirrored, *turned]) == set()


def test_images_in_the_same_frame_are_no_copies(scenes):
    framed = [
        cv2.copyMakeBorder(image, *[8] * 4, cv2.BORDER_CONSTANT, value=[245] * 3)
        for image in scenes
    ]
    assert pairs_of(framed) == set()


@pytest.mark.parametrize("shape", ((63, 200, 3), (200, 63, 1), (32, 32, 3), (1, 1, 3)))
def test_small_images_are_not_compared(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert thumbnail(image) is None


@pytest.mark.parametrize("value", (0, 7, 255))
def test_images_of_one_colour_are_not_compared(value):
    image = np.full((100, 100, 3), value, np.uint8)
    assert thumbnail(image) is None
    assert pairs_of([image] * 5) == set()


def test_frames_of_a_film_are_found_however_many():
    rng = np.random.default_rng(0)
    still = scene(3).astype(int)
    frames = [
        (still + rng.integers(-3, 4, still.shape)).clip(0, 255).astype(np.uint8) for _ in range(150)
    ]
    found = pairs_of(frames)
    assert {second for _, second in found} | {first for first, _ in found} == set(range(150))
    assert len(found) < 150 * module.TABLES * module.BUCKET


def test_nothing_and_one_image_have_no_pairs(scenes):
    assert near_copies(np.zeros((0, 32, 32), np.uint8)).shape == (0, 2)
    assert pairs_of(scenes[:1]) == set()


def test_a_copy_in_another_place_is_named_first(scenes):
    image = scenes[0]
    thumbnails = Thumbnails(3)
    for number, quality in enumerate((90, 60, 40)):
        thumbnails.add(number, encoded(image, quality))
    numbers = range(3)
    assert thumbnails.copies(numbers, ["train", "test", "test"], "split")[:2] == ({1: 0, 2: 0}, 2)
    assert thumbnails.copies(numbers, ["train", "train", "test"], "split")[0][2] in (0, 1)
    assert thumbnails.copies([2, 1], "abc", "split")[0] == {1: 2}


def test_more_images_than_can_be_compared_are_said(monkeypatch, scenes):
    monkeypatch.setattr(module, "MOST_IMAGES", 2)
    thumbnails = Thumbnails(3)
    for number in range(3):
        thumbnails.add(number, scenes[0])
    found, _, text = thumbnails.copies(range(3), "aaa", "split")
    assert found == {}
    assert "among 2 images at most" in text


@pytest.fixture
def folder(tmp_path, scenes):
    """Sixteen pictures of two classes, three of them again: resized, and cropped."""
    root = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for number, image in enumerate(scenes[:16]):
        write_png(root / "ab"[number % 2] / f"{number:02d}.png", image)
    write_png(root / "a" / "smaller.png", resized(scenes[0], 0.7))
    write_png(root / "b" / "of the other class.png", resized(scenes[2], 0.7))
    write_png(root / "b" / "cropped.png", cropped(scenes[3], rng))
    write_png(root / "a" / "tiny.png", scenes[1][:20, :20])
    return root


@pytest.fixture(autouse=True)
def folders_of_pictures(tmp_path):
    for label in "ab":
        (tmp_path / "photos" / label).mkdir(parents=True)


def test_verify_lists_the_near_copies_of_a_folder(folder):
    found = verify(folder)
    reasons = {finding.path: finding.reason for finding in found.of_kind("warning")}
    assert reasons == {
        "a/smaller.png": "nearly the same picture as a/00.png",
        "b/of the other class.png": "nearly the same picture as a/02.png, in another folder",
        "b/cropped.png": "nearly the same picture as b/03.png",
    }
    assert not found.bad
    assert "3 images are near copies" in str(found) and "1 of them in another folder" in str(found)
    assert "1 below 64 pixels were not compared" in str(found)


def test_a_build_lists_them_and_counts_those_in_two_splits(folder, tmp_path, capsys):
    apart = []
    for seed in range(6):
        path = tmp_path / f"{seed}.h5"
        file = build_dataset(
            FolderDataset(folder), path, preprocessors=CHAIN, fractions=THIRDS, split_seed=seed
        )
        assert file.shape[0] == 20  # nothing is left out
        said = file.recipe["near_copies"]
        with (tmp_path / f"{seed}.h5.left_out.csv").open() as listed:
            rows = list(csv.DictReader(listed))
        assert len(rows) == 3 and {row["kind"] for row in rows} == {"warning"}
        assert said["text"].startswith("3 images are near copies")
        apart.append(said["in_two_splits"])
        assert ("in another split" in capsys.readouterr().err) == (apart[-1] > 0)
        checked = verify(path)
        assert f"{apart[-1]:,} of them in another split" in str(checked)
        order = {name: number for number, name in enumerate(THIRDS)}
        for finding in checked.of_kind("warning"):
            own, other = re.findall(r"row \d+ of (\w+)", finding.reason)
            assert order[own] >= order[other]
    assert len(set(apart)) > 1


@pytest.mark.parametrize("side", (32, 64))
def test_a_file_of_small_rows_is_not_compared(side, folder, tmp_path):
    chain = Pipeline((SimplePreprocessor(side, side),))
    build_dataset(FolderDataset(folder), tmp_path / "a.h5", preprocessors=chain, fractions=THIRDS)
    said = str(verify(tmp_path / "a.h5"))
    assert ("all images are below 64 pixels" in said) == (side < 64)


def test_equal_images_are_copies_and_not_near_ones_too(folder):
    (folder / "b" / "again.png").write_bytes((folder / "a" / "00.png").read_bytes())
    reasons = [finding.reason for finding in verify(folder).of_kind("warning")]
    assert sum(reason.startswith("the same picture") for reason in reasons) == 1
    assert sum(reason.startswith("nearly the same") for reason in reasons) == 3
    assert io.SPLITS[0] == "train"
