from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.apps.generative import read_picture, write_picture
from sightkit.apps.generative.pictures import write_gif


@pytest.mark.parametrize("mode", ("L", "LA", "RGBA", "RGB"))
def test_pictures_of_any_kind_become_rgb(mode, tmp_path):
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.zeros((30, 40, channels), np.uint8)
    Image.fromarray(pixels.squeeze()).save(tmp_path / "p.png")
    found = read_picture(tmp_path / "p.png")
    assert found.shape == (30, 40, 3) and found.dtype == np.uint8
    assert (found == (255 if mode in ("LA", "RGBA") else 0)).all()


def test_a_huge_picture_shrinks_unless_its_size_is_named(tmp_path):
    Image.new("RGB", (2000, 500)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png").shape == (200, 800, 3)
    assert read_picture(tmp_path / "p.png", 1000).shape == (250, 1000, 3)


def test_a_small_picture_stays_unless_its_size_is_named(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png").shape == (30, 40, 3)
    assert read_picture(tmp_path / "p.png", 400).shape == (300, 400, 3)


def test_a_picture_too_narrow_is_refused(tmp_path):
    Image.new("RGB", (3000, 1)).save(tmp_path / "p.png")
    with pytest.raises(SightkitError, match="narrow"):
        read_picture(tmp_path / "p.png", 400)


@pytest.mark.parametrize("name", ("p.png", "p.jpg"))
def test_a_picture_is_written_by_its_ending(name, tmp_path):
    picture = np.full((20, 30, 3), (10, 200, 90), np.uint8)
    write_picture(tmp_path / name, picture)
    with Image.open(tmp_path / name) as found:
        assert found.format == {"p.png": "PNG", "p.jpg": "JPEG"}[name]
    assert np.abs(read_picture(tmp_path / name).astype(int) - picture).max() <= 2


def test_a_gif_holds_every_frame(tmp_path):
    write_gif(tmp_path / "p.gif", [np.full((20, 30, 3), 50 * n, np.uint8) for n in range(4)])
    with Image.open(tmp_path / "p.gif") as found:
        assert found.n_frames == 4
