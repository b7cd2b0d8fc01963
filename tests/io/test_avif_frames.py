"""An AVIF whose boxes tell a smaller picture than its stream holds is refused by its size."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.io import decode_image
from sightkit.io.avif_frames import true_size


def avif(height: int, width: int, mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(np.zeros((height, width, 3), np.uint8)).convert(mode)
    picture.save(buffer, "AVIF", speed=10, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ("RGB", "RGBA", "L"))
@pytest.mark.parametrize("size", ((1, 1), (120, 200), (65, 1), (1, 700), (301, 257)))
def test_the_size_is_that_of_the_stream(size, mode):
    data = avif(*size, mode)
    assert true_size(data, size[::-1]) == (size[::-1], "")
    assert decode_image(data).shape == (*size, 3)


def test_an_animation_is_read():
    frames = [Image.fromarray(np.full((40, 60, 3), value, np.uint8)) for value in (0, 99, 200)]
    data = io.BytesIO()
    frames[0].save(data, "AVIF", save_all=True, append_images=frames[1:], speed=10)
    assert true_size(data.getvalue(), (60, 40)) == ((60, 40), "")
    assert decode_image(data.getvalue()).shape == (40, 60, 3)


@pytest.mark.parametrize("mode", ("RGB", "RGBA"))
def test_a_lie_of_the_boxes_is_no_way_past_the_limit(mode):
    data = avif(600, 400, mode)
    lie = data.replace(struct.pack(">II", 400, 600), struct.pack(">II", 10, 10))
    assert lie != data
    with pytest.raises(SightkitError, match=r"pixels at most.*width=400, height=600"):
        decode_image(lie, maximum_pixels=10_000)


def test_a_lie_of_a_larger_picture_is_refused():
    data = avif(60, 40)
    lie = data.replace(struct.pack(">II", 40, 60), struct.pack(">II", 4000, 6000))
    with pytest.raises(SightkitError, match="different sizes"):
        decode_image(lie)


def test_a_stream_that_cannot_be_found_is_refused():
    data = avif(60, 40)
    for damaged in (data.replace(b"iloc", b"free"), data.replace(b"\x12\0\x0a", b"\xff\xff\xff")):
        with pytest.raises(SightkitError):
            decode_image(damaged)
