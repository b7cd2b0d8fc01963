from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.apps.generative import open_dreamer
from sightkit.apps.generative.picture_flags import made_up_network

NAME = "generative/deep_dream"


def write_photo(folder):
    shades = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    Image.fromarray(shades).resize((96, 72)).save(folder / "photo.png")


def test_a_dream_is_written_with_its_losses(script, tmp_path):
    flags = ("--smoke", "--output", "d.png")
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "d.png"
    with Image.open(tmp_path / "d.png") as picture:
        assert picture.size == (64, 64)
    found = json.loads((tmp_path / "d.json").read_text())
    assert [entry["step"] for entry in found["losses"]] == [0, 1, 0, 1] and found["layers"]
    again = script(NAME, *flags, cwd=tmp_path)
    assert again.code == 2 and "--overwrite" in again.stderr


def test_frames_replace_no_file_without_overwrite(script, tmp_path):
    write_photo(tmp_path)
    (tmp_path / "d-002.jpg").write_bytes(b"mine")
    result = script(NAME, "photo.png", "--zoom", "3", "--output", "d.jpg", cwd=tmp_path)
    assert result.code == 2 and "d-002.jpg" in result.stderr and "--overwrite" in result.stderr
    assert (tmp_path / "d-002.jpg").read_bytes() == b"mine" and result.heavy == ""


def test_a_strip_is_told_the_size_that_suffices():
    dreamer = open_dreamer(made_up_network(), {})
    with pytest.raises(SightkitError, match="Give --size 1280,"):
        dreamer.dream(np.zeros((10, 400, 3), np.uint8))


@pytest.mark.slow
def test_a_flight_is_written_as_gif_or_frames(script, tmp_path):
    write_photo(tmp_path)
    for output in ("d.gif", "d.jpg"):
        flags = ("photo.png", "--guide", "photo.png", "--smoke", "--zoom", "3", "--output", output)
        result = script(NAME, *flags, "--overwrite", cwd=tmp_path)
        assert result.code == 0, result.stderr
        assert result.stdout.splitlines()[-2:] == ["frame 3 of 3", output]
    with Image.open(tmp_path / "d.gif") as flight:
        assert flight.n_frames == 3
    assert {path.name for path in tmp_path.glob("*.jpg")} == {"d.jpg", "d-001.jpg", "d-002.jpg"}


@pytest.mark.parametrize(
    ("flags", "message"),
    (
        (("--smoke", "--layers", "block2_conf1=1"), "block2_conv1"),
        (("--smoke", "--layers", "block2_conv1=heavy"), "NAME=WEIGHT"),
        (("--smoke", "--layers", "block2_conv1", "block2_conv1=2"), "each name once"),
        (("--smoke", "--octave-scale", "1"), "more than 1"),
        (("--smoke", "--steps", "0"), "--steps must be at least 1"),
        (("--smoke", "--output", "d.gif"), ".png"),
        (("--smoke", "--model", "vgg61"), "vgg16"),
        (("--model", "vgg16"), "Name a picture"),
        (("nothing.png", "--smoke"), "nothing.png"),
    ),
)
def test_flags_that_cannot_be_are_one_line(flags, message, script, tmp_path):
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and message in result.stderr.splitlines()[-1], result.stderr
    assert result.stdout == "" and list(tmp_path.iterdir()) == []


def test_missing_weights_list_those_that_are_here(monkeypatch, tmp_path):
    from sightkit import transfer
    from sightkit.apps.generative import picture_flags

    def fail(name, **options):
        raise SightkitError("The weights of vgg16 must be available.")

    here = {"squeezenet", "vgg19", "mobilenet_0.25"}
    monkeypatch.setattr(transfer, "weights_available", lambda name, **_: name in here)
    monkeypatch.setattr(transfer, "pretrained", fail)
    with pytest.raises(SightkitError) as caught:
        picture_flags.open_pretrained("vgg16")
    assert "must be available" in str(caught.value)
    assert "mobilenet_0.25, squeezenet, vgg19" in str(caught.value)
    assert "--model=vgg19" in str(caught.value)
