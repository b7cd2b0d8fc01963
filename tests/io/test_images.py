"""The policy of read_image, on files made here by Pillow and OpenCV."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.io import decode_image, read_image, write_png

LOSSLESS = ("PNG", "BMP", "TIFF")
ROTATED_BY_90 = 6  # EXIF: turn clockwise to see it upright


def encoded(image: np.ndarray, kind: str, mode: str | None = None, **options) -> bytes:
    picture = Image.fromarray(image.squeeze())
    buffer = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("kind", LOSSLESS)
def test_colour_comes_as_rgb(kind, photo, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(encoded(photo, kind))
    image = read_image(path)
    assert image.dtype == np.uint8
    assert np.array_equal(image, photo)


@pytest.mark.parametrize(
    ("kind", "options"), (("JPEG", {"quality": 95}), ("WEBP", {"quality": 95}))
)
def test_lossy_colour_comes_as_rgb(kind, options, photo):
    difference = decode_image(encoded(photo, kind, **options)).astype(int) - photo
    assert np.abs(difference).mean() < 4  # exchanged channels would be far more


@pytest.mark.parametrize("kind", (*LOSSLESS, "JPEG"))
def test_grey_becomes_three_equal_channels(kind, photo):
    grey = photo[..., 0]
    image = decode_image(encoded(grey, kind))
    assert image.shape == (*grey.shape, 3)
    assert np.ptp(image, axis=2).max() == 0
    assert np.abs(image[..., 0].astype(int) - grey).max() <= (3 if kind == "JPEG" else 0)


def test_alpha_is_composited_on_white(rng):
    pixels = rng.integers(0, 256, (20, 30, 4)).astype(np.uint8)
    share = pixels[..., 3:] / 255
    expected = pixels[..., :3] * share + 255 * (1 - share)
    assert np.abs(decode_image(encoded(pixels, "PNG")) - expected).max() <= 0.5 + 1e-6


def test_grey_with_alpha_is_composited_on_white(rng):
    pixels = rng.integers(0, 256, (20, 30, 2)).astype(np.uint8)
    data = io.BytesIO()
    bands = [Image.fromarray(pixels[..., channel]) for channel in (0, 1)]
    Image.merge("LA", bands).save(data, "PNG")
    share = pixels[..., 1] / 255
    expected = pixels[..., 0] * share + 255 * (1 - share)
    image = decode_image(data.getvalue())
    assert np.abs(image - expected[..., np.newaxis]).max() <= 0.5 + 1e-6


def test_sixteen_bits_are_scaled_to_eight():
    values = np.array([[0, 1, 128, 129, 257, 32768, 65406, 65535]], np.uint16)
    _, data = cv2.imencode(".png", values)
    expected = np.rint(values / 257)
    assert np.array_equal(decode_image(data.tobytes())[..., 0], expected)


def test_sixteen_bit_colour_keeps_its_order():
    bgr = np.zeros((2, 2, 3), np.uint16)
    bgr[..., 2] = 65535
    _, data = cv2.imencode(".png", bgr)
    assert decode_image(data.tobytes())[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ("PNG", "GIF", "BMP"))
def test_a_palette_becomes_its_colours(kind):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]], np.uint8)
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4) % 4
    picture = Image.new("P", (4, 4))
    picture.putpalette(colours.tobytes())
    picture.putdata(indices.ravel().tolist())
    data = io.BytesIO()
    picture.save(data, kind)
    assert np.array_equal(decode_image(data.getvalue()), colours[indices])


def test_a_transparent_palette_entry_becomes_white():
    picture = Image.new("P", (4, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putdata([0, 1, 0, 1])
    data = io.BytesIO()
    picture.save(data, "PNG", transparency=1)
    expected = [[255, 0, 0], [255, 255, 255], [255, 0, 0], [255, 255, 255]]
    assert decode_image(data.getvalue())[0].tolist() == expected


def test_one_bit_becomes_black_and_white(photo):
    assert set(np.unique(decode_image(encoded(photo, "PNG", "1")))) == {0, 255}


def test_cmyk_becomes_rgb(photo):
    image = decode_image(encoded(photo, "JPEG", "CMYK", quality=95))
    assert np.abs(image.astype(int) - photo).mean() < 6


def test_of_an_animation_the_first_frame_is_taken(photo):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (200, 50, 0)]
    data = io.BytesIO()
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:])
    assert np.all(decode_image(data.getvalue()) == 200)


@pytest.mark.parametrize(
    ("kind", "mode"),
    (
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("PNG", "RGB"),
        ("TIFF", "RGB"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("PNG", "L"),
        ("PNG", "RGBA"),
    ),
)
def test_exif_rotation_is_applied_whatever_the_format(kind, mode, photo):
    image = decode_image(encoded(photo, kind, mode, exif=exif(ROTATED_BY_90)))
    upright = np.rot90(decode_image(encoded(photo, kind, mode)), k=-1)
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_exif_orientations_show_the_same_picture(orientation, photo):
    stored = {
        1: photo,
        2: photo[:, ::-1],
        3: photo[::-1, ::-1],
        4: photo[::-1],
        5: photo.transpose(1, 0, 2),
        6: np.rot90(photo, 1),
        7: photo[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(photo, -1),
    }[orientation]
    data = encoded(np.ascontiguousarray(stored), "JPEG", quality=95, exif=exif(orientation))
    assert np.abs(decode_image(data).astype(int) - photo).mean() < 4


@pytest.mark.parametrize("cut", (1, 2, 10, 40, 200, 500))
@pytest.mark.parametrize("kind", ("JPEG", "PNG", "BMP", "TIFF", "WEBP"))
def test_a_file_that_is_cut_off_is_refused_and_named(kind, cut, photo, tmp_path):
    whole = encoded(photo, kind)
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(whole[:-cut])
    with pytest.raises(SightkitError, match="cut"):
        read_image(path)


@pytest.mark.parametrize("share", (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99))
@pytest.mark.parametrize("progressive", (False, True))
def test_a_jpeg_cut_anywhere_is_refused(share, progressive, photo):
    whole = encoded(photo, "JPEG", progressive=progressive)
    with pytest.raises(SightkitError, match="decoded completely"):
        decode_image(whole[: int(share * len(whole))])


def test_nothing_of_the_image_before_shows_in_a_damaged_one(photo):
    whole = encoded(photo, "JPEG")
    decode_image(whole)
    with pytest.raises(SightkitError):
        decode_image(whole[:-100])
    assert np.array_equal(decode_image(whole), decode_image(whole))


@pytest.mark.parametrize(
    "content",
    (b"", b"\n", b"hello, I am text\n", b"<html></html>", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"),
)
def test_what_is_no_image_is_refused_and_named(content, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(SightkitError, match=r"photo\.jpg") as refused:
        read_image(path)
    assert f"bytes={len(content)}" in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused_and_named(tmp_path):
    with pytest.raises(SightkitError, match=r"No such file.*nowhere\.jpg"):
        read_image(tmp_path / "nowhere.jpg")
    folder = tmp_path / "folder.jpg"
    folder.mkdir()
    with pytest.raises(SightkitError, match=r"directory.*folder\.jpg"):
        read_image(folder)


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def jpeg_header(width: int, height: int) -> bytes:
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0" + frame


@pytest.mark.parametrize(
    "data",
    (
        png_header(60000, 60000),
        jpeg_header(60000, 60000),
        b"GIF89a" + struct.pack("<HH", 60000, 60000) + bytes(20),
        b"BM" + bytes(12) + struct.pack("<Iii", 40, 60000, -60000) + bytes(40),
        b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 60000, 60000, 1, 24) + bytes(40),
        b"P6\n# a comment\n60000 60000\n255\n",
        b"\xff\x4f\xff\x51\0\x2f\0\0"
        + struct.pack(">4I", 60000, 60000, 0, 0)
        + bytes(16)
        + b"\0\3"
        + b"\7\1\1" * 3,
    ),
    ids=("PNG", "JPEG", "GIF", "BMP", "BMP of OS/2", "PNM", "JPEG 2000"),
)
def test_an_enormous_image_is_refused_by_its_header(data):
    with pytest.raises(SightkitError, match=r"100,000,000 pixels.*width=60000, height=60000"):
        decode_image(data)


@pytest.mark.parametrize("kind", ("WEBP", "TIFF", "AVIF", "JPEG2000", "PPM", "GIF", "BMP"))
def test_the_limit_holds_for_every_format(kind, photo):
    with pytest.raises(SightkitError, match="pixels at most"):
        decode_image(encoded(photo, kind), maximum_pixels=100)


def test_the_limit_is_the_largest_number_that_is_allowed(photo):
    data = encoded(photo, "PNG")
    assert decode_image(data, maximum_pixels=48 * 64).shape == photo.shape
    with pytest.raises(SightkitError, match=r"width=64, height=48"):
        decode_image(data, maximum_pixels=48 * 64 - 1)


@pytest.mark.parametrize("channels", (1, 3))
def test_write_png_is_undone_by_read_image(channels, photo, tmp_path):
    image = photo[..., :channels]
    write_png(tmp_path / "again.png", image)
    assert np.array_equal(read_image(tmp_path / "again.png"), np.broadcast_to(image, photo.shape))


def test_real_photos_equal_pillows_and_the_broken_one_is_refused(test_data):
    photos = sorted((test_data / "imagenet-samples").glob("*.JPEG"))
    for path in photos[:8]:
        expected = np.asarray(Image.open(path).convert("RGB")).astype(int)
        assert np.abs(read_image(path) - expected).mean() < 1
    assert photos
    with pytest.raises(SightkitError, match="truncated_photo"):
        read_image(test_data / "bad" / "truncated_photo.jpg")


def test_every_bad_file_is_refused_by_name_or_decoded_right(test_data):
    """A truncated photo, a photo with alpha, and three files that pretend to be weights."""
    decoded = []
    for path in sorted((test_data / "bad").iterdir()):
        try:
            image = read_image(path)
        except SightkitError as refused:
            assert path.name in str(refused)
            continue
        decoded.append(path.name)
        pixels = np.asarray(Image.open(path).convert("RGBA")).astype(float)
        share = pixels[..., 3:] / 255
        assert np.abs(image - (pixels[..., :3] * share + 255 * (1 - share))).max() <= 0.51
    assert decoded == ["rgba_32bit.png"]
