"""The scripts of detection refuse flags that cannot be: one line, before any work."""

from __future__ import annotations

import pytest

REFUSED = {
    "detect": [
        ((), "Name at least one image"),
        (("--method", "sliding", "--background", "none", "photo.png"), "Before --background"),
        (("x.png", "--method", "sliding"), "Name one network"),
        (("x.png", "--method", "bundle"), "Give --bundle RUN/bundle"),
        (("x.png", "--bundle", "b"), "--bundle is for --method=dense, sliding, hog, bundle"),
        (("x.png", "--stride", "8"), "--stride is for --method=dense, sliding"),
        (("--method", "dense", "--smoke", "--window", "8", "8"), "is for --method=sliding"),
        (("x.png", "--method", "hog", "--background", "sky"), "Leave it out, or give --method"),
        (("x.png", "--method", "bundle", "--overlap", "0.5"), "--overlap is for"),
        (("--smoke", "--method", "sliding", "--background", "sky"), "unknown=['sky']"),
        (("x.png", "--method", "hog", "--model", "mobilenet_0.75"), "--method=dense"),
        (("x.png", "--method", "dense", "--model", "mobilnet_0.75"), "mobilenet_0.75"),
        (("x.png", "--method", "dense", "--bundle", "b"), "bundle.json"),
        (("x.png", "--method", "sliding", "--model", "vgg16", "--stride", "0"), "stride=0"),
        (("x.png", "--threshold", "2"), "threshold=2.0"),
        (("x.png", "--overlap", "-1"), "overlap=-1.0"),
        (("x.png", "--scale", "1"), "scale=1.0"),
        (("x.png", "--window", "0", "0"), "window=(0, 0)"),
    ],
    "smiles": [
        ((), "Name a classifier of faces"),
        (("--bundle", "b"), "bundle.json in it"),
        (("--smoke", "--camera", "-1"), "--camera must be at least 0"),
        (("--smoke", "nowhere.mp4"), "nowhere.mp4"),
        (("--smoke", "nowhere.jpg"), "nowhere.jpg"),
    ],
    "train_hog_svm": [
        ((), "Name pictures of the object"),
        (("--smoke", "--window", "64", "60"), "multiples of 8"),
        (("--smoke", "--rounds", "-1"), "--rounds must be at least 0"),
        (("--smoke", "--class-name", ""), "1 to 100 characters"),
        (("--smoke", "--output", "."), "must have a name"),
    ],
    "train_localizer": [
        (("--data", "nowhere"), "--data must name the folder"),
        (("--smoke", "--learning-rate", "0"), "--learning-rate must be"),
        (("--smoke", "--views", "0"), "--views must be at least 1"),
        (("--smoke", "--base", "mobilenet"), "mobilenet"),
        (("--smoke", "--resume", "--overwrite"), "give one"),
    ],
    "train_detector": [
        (("--data", "data", "--size", "100"), "multiples of 32"),
        (("--data", "data", "--learning-rate", "0"), "--learning-rate must be a number above 0"),
        (("--data", "data", "--epochs", "0"), "--epochs must be at least 1"),
        (("--data", "data", "--weight-decay", "-1"), "--weight-decay must be at least 0"),
        (("--data", "data", "--freeze", "-1"), "--freeze must be at least 0"),
        (("--data", "data", "--strides", "3", "5"), "rising powers of two"),
        (("--data", "data", "--backbone", "LeNet"), "No pretrained network has that name"),
        (("--data", "data", "--resume", "--overwrite"), "give one"),
        (("--data", "nowhere"), "--data must name the folder"),
    ],
}


@pytest.mark.parametrize(
    ("name", "flags", "told"), [(name, *row) for name, rows in REFUSED.items() for row in rows]
)
def test_flags_that_cannot_be_are_one_line(name, flags, told, script, tmp_path):
    (tmp_path / "data").mkdir()
    result = script(f"detection/{name}", *flags, cwd=tmp_path)
    assert result.code == 2 and told in result.stderr.splitlines()[-1], result.stderr
    assert "Traceback" not in result.stderr and result.heavy == ""
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
