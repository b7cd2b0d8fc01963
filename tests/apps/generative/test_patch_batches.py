"""Patches with their enlargements, and folders of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.apps.generative.patch_batches import turned
from sightkit.io import write_png

LARGER = generative.UpscalerSetup(3, 1, True, 6)
SUBPIXEL = generative.UpscalerSetup(3, 1, False, 6)


@pytest.fixture
def pictures():
    """Smooth ones: their small form tells where a patch was taken."""
    y, x = np.mgrid[:60, :75]
    waves = [np.sin(x / a) + np.cos(y / b) for a, b in ((9, 5), (4, 7))]
    return [np.stack([60 * w + 128] * 3, axis=-1).astype(np.uint8) for w in waves]


def batches(pictures, setup=SUBPIXEL, **options):
    options = {"patch": 24, "count": 10, "batch_size": 4, "seed": 5} | options
    return generative.PatchBatches(pictures, setup, **options)


@pytest.mark.parametrize("setup", (LARGER, SUBPIXEL))
def test_patches_are_functions_of_seed_and_epoch(pictures, setup):
    one, other = batches(pictures, setup), batches(pictures, setup)
    one.set_epoch(3)
    other.set_epoch(3, 1)
    for a, b in zip(one[1], other[0], strict=True):
        np.testing.assert_array_equal(a, b)
    other.set_epoch(4)
    assert np.abs(one[0][1] - other[0][1]).max() > 0
    assert np.abs(one[0][1] - batches(pictures, setup, seed=6)[0][1]).max() > 0
    assert [len(batch[0]) for batch in (one[0], one[1], one[2])] == [4, 4, 2]


@pytest.mark.parametrize("setup", (LARGER, SUBPIXEL))
def test_patches_lie_over_their_targets(pictures, setup):
    x, y = batches(pictures, setup, count=40, batch_size=40)[0]
    side = 24 // setup.scale + 12
    assert (x.shape, y.shape) == ((40, side, side, 1), (40, 24, 24, 1))
    assert x.dtype == y.dtype == np.float32
    inner = x[:, 6:-6, 6:-6]
    expected = y if setup.enlarged else generative.imresize(y, (8, 8))
    assert np.abs(inner - expected)[:, 2:-2, 2:-2].max() < 0.02


def test_patches_come_from_everywhere_turned(pictures):
    found = batches(pictures, count=300, batch_size=300)[0][1]
    assert len(np.unique(found[:, 0, 0], axis=0)) > 100
    straight = batches(pictures, count=300, batch_size=300, augment=False)[0][1]
    assert np.abs(straight - found).max() > 0.1


def test_eight_ways_are_eight():
    x = np.arange(9).reshape(3, 3, 1)
    ways = {turned(x, x, way)[0].tobytes() for way in range(8)}
    assert len(ways) == 8
    for way in range(8):
        np.testing.assert_array_equal(*turned(x, x, way))


def test_validation_patches_cover_the_pictures(pictures):
    x, y = generative.grid_batches(pictures, SUBPIXEL, patch=24, batch_size=64)[0]
    assert len(x) == len(y) == 2 * 2 * 3
    _, large = SUBPIXEL.pair(pictures[0])
    np.testing.assert_array_equal(y[4], large[24:48, 24:48])


def test_a_patch_must_fit(pictures):
    with pytest.raises(SightkitError, match=r"Give --patch 60,"):
        batches(pictures, patch=63)
    with pytest.raises(SightkitError, match=r"Give --patch 24,"):
        batches(pictures, patch=25)
    with pytest.raises(SightkitError, match="as many pixels a side"):
        batches([*pictures, pictures[0][:2]])
    with pytest.raises(SightkitError, match="at least one picture"):
        batches([])


def test_a_folder_is_read_and_split_by_picture(pictures, tmp_path):
    for number in range(9):
        write_png(tmp_path / f"{number}.png", pictures[number % 2])
    found = generative.read_pictures(tmp_path)
    parts = generative.split_pictures(found, 0.25, 1)
    assert [len(part) for part in parts.values()] == [7, 2]
    assert {*parts["train"], *parts["val"]} == set(found)
    assert generative.split_pictures(found, 0.25, 1).keys() == parts.keys()
    assert {*generative.split_pictures(found, 0.25, 2)["val"]} != {*parts["val"]}


def test_a_folder_without_pictures_is_refused(pictures, tmp_path):
    with pytest.raises(SightkitError, match="name a folder"):
        generative.read_pictures(tmp_path / "missing")
    with pytest.raises(SightkitError, match="must hold images"):
        generative.read_pictures(tmp_path)
    write_png(tmp_path / "a.png", pictures[0])
    with pytest.raises(SightkitError, match="another one to choose"):
        generative.split_pictures(generative.read_pictures(tmp_path), 0.5, 1)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(SightkitError, match="can be read") as caught:
        generative.read_pictures(tmp_path)
    assert "are done" not in str(caught.value)  # nothing is: they are to be trained on
