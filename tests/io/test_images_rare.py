"""Images that Pillow does not write, made by hand, and damaged ones."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.io import decode_image

ROWS, COLUMNS = np.mgrid[0:24, 0:40]
RGB = np.stack([ROWS * 8, COLUMNS * 5, 255 - 2 * ROWS - 3 * COLUMNS], axis=-1).astype(np.uint8)
GREY = RGB[..., :1]
ALPHA = (60 + 3 * ROWS + 3 * COLUMNS).astype(np.uint8)[..., np.newaxis]
RGBA = np.concatenate([RGB, ALPHA], axis=-1)
SHARE = ALPHA / 255
ON_WHITE = RGB * SHARE + 255 * (1 - SHARE)
PREMULTIPLIED = np.rint(RGB * SHARE).astype(np.uint8)
SHORT, LONG = 3, 4


def tiff(pixels: np.ndarray, photometric: int, *, extra=(), planar=1, sign=1, order="<") -> bytes:
    """An uncompressed TIFF of (H, W, C), one strip, or one a channel where planar is 2."""
    height, width, channels = pixels.shape
    bits = pixels.dtype.itemsize * 8
    if planar == 2:
        pixels = pixels.transpose(2, 0, 1)
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    strips = channels if planar == 2 else 1
    size = len(content) // strips
    tags = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * channels),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        273: (LONG, [4096 + strip * size for strip in range(strips)]),
        277: (SHORT, [channels]),
        278: (LONG, [height]),
        279: (LONG, [size] * strips),
        284: (SHORT, [planar]),
        339: (SHORT, [sign] * channels),
    }
    if extra:
        tags[338] = (SHORT, list(extra))
    entries, heap = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        value = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(value) > 4:
            value, heap = struct.pack(f"{order}I", 1024 + len(heap)), heap + value
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4)
    return (head.ljust(1024, b"\0") + heap).ljust(4096, b"\0") + content


def deep(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 257


TIFFS = {
    "RGB": (RGB, 2, {}, RGB),
    "RGB, channel after channel": (RGB, 2, {"planar": 2}, RGB),
    "RGB, 16 bits": (deep(RGB), 2, {}, RGB),
    "grey": (GREY, 1, {}, GREY),
    "grey, 16 bits": (deep(GREY), 1, {}, GREY),
    "grey, white is 0": (GREY, 0, {}, 255 - GREY),
    "alpha": (RGBA, 2, {"extra": [2]}, ON_WHITE),
    "alpha, 16 bits": (deep(RGBA), 2, {"extra": [2]}, ON_WHITE),
    "alpha, multiplied already": (
        np.concatenate([PREMULTIPLIED, ALPHA], axis=-1),
        2,
        {"extra": [1]},
        PREMULTIPLIED + 255.0 - ALPHA,
    ),
    "alpha, multiplied already, 16 bits": (
        deep(np.concatenate([PREMULTIPLIED, ALPHA], axis=-1)),
        2,
        {"extra": [1]},
        PREMULTIPLIED + 255.0 - ALPHA,
    ),
    "a fourth channel that is no alpha": (RGBA, 2, {"extra": [0]}, RGB),
    "a fourth channel that is no alpha, 16 bits": (deep(RGBA), 2, {}, RGB),
    "a second channel that is no alpha": (RGBA[..., [0, 3]], 1, {"extra": [0]}, GREY),
    "CMYK": (np.concatenate([255 - RGB, 0 * ALPHA], axis=-1), 5, {}, RGB),
}
REFUSED_TIFFS = {
    "signed": (RGB.view(np.int8), 2, {"sign": 2}, "signed"),
    "signed, 16 bits": (deep(RGB).view(np.int16), 2, {"sign": 2}, "signed"),
    "float": (RGB.astype(np.float32), 2, {"sign": 3}, "float"),
    "32 bits": (RGB.astype(np.uint32), 2, {}, "32"),
    "grey and alpha": (RGBA[..., [0, 3]], 1, {"extra": [2]}, "alpha"),
    "grey, white is 0, 16 bits": (deep(GREY), 0, {}, "white as 0"),
    "channel after channel, 16 bits": (deep(RGB), 2, {"planar": 2}, "one after the other"),
    "CMYK, 16 bits": (deep(RGBA), 5, {}, "16 bits"),
    "five channels": (np.concatenate([RGBA, ALPHA], axis=-1), 2, {"extra": [2, 0]}, "5 channels"),
    "L*a*b*": (RGB, 8, {}, "colour space"),
}


@pytest.mark.parametrize("order", ("<", ">"))
@pytest.mark.parametrize("case", TIFFS)
def test_a_tiff_shows_what_its_tags_say(case, order):
    pixels, photometric, options, expected = TIFFS[case]
    image = decode_image(tiff(pixels, photometric, order=order, **options))
    assert image.shape == RGB.shape
    assert np.abs(image - np.broadcast_to(expected, RGB.shape).astype(float)).max() <= 0.51


@pytest.mark.parametrize("case", REFUSED_TIFFS)
def test_a_tiff_that_opencv_would_get_wrong_is_refused(case):
    pixels, photometric, options, reason = REFUSED_TIFFS[case]
    with pytest.raises(SightkitError, match=rf"{reason}.*path='scan.tif'.*PNG"):
        decode_image(tiff(pixels, photometric, **options), name="scan.tif")


def png(pixels: np.ndarray, depth: int, colour: int, clear: bytes = b"") -> bytes:
    """A PNG of rows of packed bytes or of big-endian 16-bit samples."""
    width = pixels.shape[1] * 8 // depth if depth < 8 else pixels.shape[1]

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + crc

    header = struct.pack(">IIBBBBB", width, len(pixels), depth, colour, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(name, content)
        for name, content in ((b"IHDR", header), (b"tRNS", clear), (b"IDAT", rows), (b"IEND", b""))
        if content or name != b"tRNS"
    )


@pytest.mark.parametrize("clear", (False, True))
@pytest.mark.parametrize("depth", (1, 2, 4, 8))
def test_a_grey_of_few_bits_may_be_clear(depth, clear):
    values = np.arange(24 * 40).reshape(24, 40) % (1 << depth)
    packed = np.zeros((24, 40 * depth // 8), np.uint8)
    for place in range(8 // depth):
        packed |= (values[:, place :: 8 // depth] << (8 - depth * (place + 1))).astype(np.uint8)
    expected = values * 255.0 / ((1 << depth) - 1)
    if clear:
        expected[values == 1] = 255
    image = decode_image(png(packed, depth, 0, struct.pack(">H", 1) if clear else b""))
    assert np.abs(image - expected[..., np.newaxis]).max() <= 0.51


def test_a_deep_grey_and_a_deep_colour_may_be_clear():
    grey = (ROWS * 1000 + COLUMNS).astype(">u2")
    expected = grey[..., np.newaxis] / 257
    expected[grey == grey[3, 4]] = 255
    assert np.abs(decode_image(png(grey, 16, 0, grey[3, 4:5].tobytes())) - expected).max() <= 0.51
    colour = np.dstack([grey, COLUMNS * 1600, grey]).astype(">u2")
    expected = colour / 257
    expected[(colour == colour[3, 4]).all(axis=-1)] = 255
    image = decode_image(png(colour, 16, 2, colour[3, 4].tobytes()))
    assert np.abs(image - expected).max() <= 0.51


@pytest.mark.parametrize("channels", (2, 4))
def test_deep_alpha_is_composited_before_it_is_scaled(channels):
    pixels = deep(RGBA[..., [0, 3]] if channels == 2 else RGBA) + 128
    share = pixels[..., -1:] / 65535
    expected = pixels[..., :-1] / 257 * share + 255 * (1 - share)
    image = decode_image(png(pixels.astype(">u2"), 16, 4 if channels == 2 else 6))
    assert np.abs(image - expected).max() <= 0.51


def test_of_an_animated_png_the_first_frame_is_taken():
    frames = [Image.fromarray(np.roll(RGB, 5 * index, axis=1)) for index in range(3)]
    data = io.BytesIO()
    frames[0].save(data, "PNG", save_all=True, append_images=frames[1:])
    assert np.array_equal(decode_image(data.getvalue()), RGB)


def test_a_colour_bmp_of_os2_is_colour():
    body = RGB[::-1, :, ::-1].tobytes()
    header = struct.pack("<IHHI", 26 + len(body), 0, 0, 26)
    data = b"BM" + header + struct.pack("<IHHHH", 12, 40, 24, 1, 24) + body
    assert np.array_equal(decode_image(data), RGB)


def test_a_bmp_may_have_alpha():
    _, data = cv2.imencode(".bmp", RGBA[..., [2, 1, 0, 3]])
    assert np.abs(decode_image(data.tobytes()) - ON_WHITE).max() <= 0.51


@pytest.mark.parametrize("depth", (10, 12))
def test_an_avif_of_more_than_8_bits_is_scaled_to_8(depth):
    pixels = np.rint(RGB[..., ::-1] / 255 * ((1 << depth) - 1)).astype(np.uint16)
    options = [cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 100]
    _, data = cv2.imencode(".avif", pixels, options)
    assert np.abs(decode_image(data.tobytes()).astype(int) - RGB).max() <= 1


@pytest.mark.parametrize(
    ("data", "expected"),
    (
        (b"P1 2 1 1 0\n", (0, 255)),
        (b"P2\n# made by hand\n2 1\n255\n7 200\n", (7, 200)),
        (b"P5 2 1 255 \x07\xc8", (7, 200)),
        (b"P5 2 1 65535 " + struct.pack(">HH", 65535, 257), (255, 1)),
    ),
)
def test_a_pnm_is_read_up_to_16_bits(data, expected):
    assert decode_image(data)[0, :, 0].tolist() == list(expected)


def test_a_pnm_of_another_range_is_refused():
    with pytest.raises(SightkitError, match="largest value is 15"):
        decode_image(b"P2 2 1 15 15 0\n")


@pytest.mark.parametrize("kind", ("PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM"))
def test_a_damaged_file_is_refused_or_decoded_without_stderr(kind, capfd, rng):
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, kind)
    whole = buffer.getvalue()
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        for data in (bytes(damaged), whole[: rng.integers(len(whole))]):
            try:
                image = decode_image(data, maximum_pixels=10_000)
            except SightkitError:
                continue
            assert image.dtype == np.uint8
            assert image.shape[2] == 3
            assert kind != "PNG"  # its checksums tell
    assert capfd.readouterr().err == ""


def test_the_preview_in_a_camera_raw_file_is_not_taken_for_the_picture():
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "TIFF", tiffinfo={254: 1})  # a smaller copy of another picture
    with pytest.raises(SightkitError, match="small copy of another"):
        decode_image(file.getvalue())
    plain = io.BytesIO()
    Image.fromarray(RGB).save(plain, "TIFF", tiffinfo={254: 0})
    assert np.array_equal(decode_image(plain.getvalue()), RGB)
    for raw in (b"II*\0\x10\0\0\0CR\2\0", b"\0\0\0\x18ftypcrx \0\0\0\1", b"FUJIFILMCCD-RAW 0201"):
        with pytest.raises(SightkitError, match="camera raw, which cannot be decoded"):
            decode_image(raw + bytes(200))
