"""Training pictures: recombined and varied as a function of seed, epoch and picture."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit.apps import captcha
from sightkit.apps.captcha.text_folder import Captchas

ALPHABET = "2468"


@pytest.fixture(scope="module")
def captchas(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captchas")
    texts = captcha.random_texts(40, alphabet=ALPHABET)
    captcha.write_captchas(folder, texts, size=(24, 72), named_by_text=True)
    return captcha.read_text_folder(folder)


def batches(captchas, method="heads", seed=1, train=True, batch_size=16):
    images = captchas.images(chain())
    targets = captcha.encode(captchas.texts, ALPHABET, method)
    lengths = [*map(len, captchas.texts)] if train else ()
    return captcha.TextBatches(images, targets, batch_size=batch_size, lengths=lengths, seed=seed)


def chain():
    from sightkit.preprocessing import GrayscalePreprocessor, Pipeline, SimplePreprocessor

    return Pipeline((GrayscalePreprocessor(), SimplePreprocessor(72, 24)))


def test_a_recombined_picture_shows_its_text(captchas):
    """Each character that was drawn is at its place: a cut of the same class is found there."""
    train = batches(captchas)
    assert train.pool.pictures > 30
    image, classes = train.pool.draw(4, (24, 72, 1), np.random.default_rng(3))
    assert image.shape == (24, 72, 1)
    assert len(classes) == 4
    found = captcha.character_boxes(image, 4)
    assert len(found) == 4
    for (x0, y0, x1, y1), each in zip(found.tolist(), classes, strict=True):
        inside = image[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1]
        own = [c for c, k in zip(train.pool.cuts, train.pool.classes, strict=True) if k == each]
        alike = [np.abs(c.astype(int) - inside).mean() for c in own if c.shape == inside.shape]
        assert min(alike) < 10


def test_batches_are_a_function_of_seed_epoch_and_picture(captchas):
    first, again, other = batches(captchas), batches(captchas), batches(captchas, seed=2)
    again.set_epoch(5)
    _ = again[0]
    again.set_epoch(0)
    for k in (2, 0, 1):
        for a, b in zip(first[k], again[k], strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0][0], other[0][0])
    whole = batches(captchas, batch_size=40)[0]
    for a, b in zip((first[k] for k in range(3)), (slice(0, 16), slice(16, 32), slice(32, 40)),
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a[0], whole[0][b])
        np.testing.assert_array_equal(a[1], whole[1][b])
    once = first[0][0].copy()
    first.set_epoch(1)
    assert not np.array_equal(first[0][0], once)


def test_half_of_the_texts_are_new_and_the_data_are_not_changed(captchas):
    train = batches(captchas, batch_size=40)
    before = train.arrays[0].copy(), train.arrays[1].copy()
    x, y = train[0]
    own = {*map(tuple, before[1].tolist())}
    assert 8 < sum(tuple(row) not in own for row in y.tolist()) < 32
    assert (x.min(), x.dtype) >= (0, np.float32) and x.max() <= 1
    for array, old in zip(train.arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_pictures_for_validation_come_as_they_are(captchas):
    held = batches(captchas, train=False)
    x, y = held[0]
    np.testing.assert_array_equal(x, held.arrays[0][:16] * np.float32(1 / 255))
    np.testing.assert_array_equal(y, held.arrays[1][:16])


def test_texts_of_several_lengths_keep_them(captchas, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    texts = [*captcha.random_texts(12, alphabet=ALPHABET, length=2), *captchas.texts[:12]]
    captcha.write_captchas(mixed, texts, size=(24, 72), named_by_text=True)
    train = batches(captcha.read_text_folder(mixed), method="ctc", batch_size=24)
    _, y = train[0]
    lengths = sorted((y > 0).sum(axis=1).tolist())
    assert lengths == [2] * 12 + [4] * 12


def test_pictures_without_characters_are_not_recombined(captchas):
    blank = np.full((4, 24, 72, 1), 255, np.uint8)
    targets = np.zeros((4, 4), np.int64)
    train = captcha.TextBatches(blank, targets, batch_size=4, lengths=[4] * 4)
    assert train.pool.pictures == 0
    np.testing.assert_array_equal(train[0][1], targets)


def test_captchas_take_keeps_pairs_together(captchas):
    part = captchas.take([3, 1])
    assert part == Captchas(
        (captchas.paths[3], captchas.paths[1]), (captchas.texts[3], captchas.texts[1])
    )
