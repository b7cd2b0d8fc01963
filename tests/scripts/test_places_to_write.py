"""Every script refuses an ``--output`` that cannot be written before any work; and ``--debug``."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightkit import _scripts
from sightkit._errors import visible

WITHOUT = {"launch", "deploy/serve"}
"""One writes by the script that it starts, one nothing."""
NAMES = sorted({*_scripts.scripts(Path(__file__).parents[2] / "scripts")} - WITHOUT)
ALONE = {"train_lenet_digits", "build_folder"}
"""Of the scripts with the same flags, those that make test tries."""
ENDINGS = {
    **dict.fromkeys((n for n in NAMES if n.startswith("build_")), ".h5"),
    **dict.fromkeys((n for n in NAMES if n.startswith("foundations/")), ".png"),
    "build_imagenet": ".shards",
    "detection/convert_annotations": ".json",
    "captcha/evaluate_captcha": ".json",
    "captcha/read_captcha": ".json",
    "explain/look_inside": ".png",
    "extract_features": ".h5",
    "suspicious_labels": ".csv",
    "predict": ".csv",
    "classify": ".json",
    "advise": ".json",
    "visualize_architecture": ".png",
    "augmentation_demo": ".png",
    "explain/map": ".png",
    "explain/report": ".html",
    "explain/neighbours": ".png",
    "generative/deep_dream": ".jpg",
    "generative/style_transfer": ".jpg",
    "generative/sample_dcgan": ".png",
    "generative/caption": ".json",
}
FLAGS = {
    "captcha/annotate_captcha": ("--captchas", "d"),
    "captcha/read_captcha": ("x.png", "--bundle", "b"),
    "captcha/train_captcha_text": ("--data", "d"),
    "captcha/download_captcha": ("--url", "http://localhost/c", "--contact", "a@b"),
    "captcha/evaluate_captcha": ("--captchas", "d", "--labels", "l.csv"),
    "augmentation_demo": (),
    "classify": ("x.png",),
    "deploy/export": ("--smoke",),
    "deploy/hub": ("pull", "--repository", "me/x"),
    "detection/train_hog_svm": ("--objects", "o", "--backgrounds", "p"),
    "detection/train_detector": ("--smoke",),
    "detection/train_localizer": ("--smoke",),
    "detection/smiles": ("--smoke",),
    "detection/detect": ("x.png",),
    "evaluate": ("--bundle", "b", "--data", "d"),
    "detection/convert_annotations": ("--data", "d"),
    "detection/evaluate_detector": ("--data", "d", "--bundle", "b"),
    "explain/attack": ("x.png", "--model", "mobilenet_0.75"),
    "explain/explain": ("x.png", "--model", "mobilenet_0.75"),
    "explain/look_inside": ("--model", "mobilenet_0.75"),
    "explain/report": ("run",),
    "evaluate_ensemble": ("members",),
    "explain/map": ("--data", "d"),
    "explain/neighbours": ("--data", "d"),
    "extract_features": ("--data", "d"),
    "generative/caption": ("x.png",),
    "generative/deep_dream": ("x.png",),
    "generative/fast_style": ("x.png",),
    "generative/train_fast_style": ("--style", "y.png"),
    "generative/segment": ("x.png",),
    "generative/evaluate_super_resolution": ("--data", "d"),
    "generative/upscale": ("x.png", "--bundle", "b"),
    "generative/style_transfer": ("x.png", "--style", "y.png"),
    "import_network": ("--network", "n.keras", "--class-names", "a b"),
    "inspect_model": ("lenet",),
    "ledger": ("table",),
    "predict": ("x.png", "--bundle", "b"),
    "search": ("train_lenet_digits",),
    "suspicious_labels": ("--features", "f.h5"),
    "train_logistic": ("--features", "f.h5"),
    "verify_dataset": ("--data", "."),
    "visualize_architecture": ("mlp",),
}
PLACES = {
    "below a file": "mine/{name}",
    "where nothing can be made": "/proc/{name}",
    "a name of 254 bytes": "{long}",
    "a name of 300 bytes": "{long}{long}",
    "bytes that are no UTF-8": "caf\udce9/{name}",
    "a path that is too long": "{deep}/{name}",
}


def cases():
    """Every place for two scripts, and for each other one a long name and one more, in turn."""
    for position, name in enumerate(NAMES):
        shared = name.startswith(("build_", "train_", "foundations/")) and name not in {
            *ALONE,
            *FLAGS,
        }
        others = (*PLACES,)[position % len(PLACES)], "a name of 254 bytes"
        for place in PLACES if name in ALONE else dict.fromkeys(others):
            slow = shared or not (name in ALONE or place == "a name of 254 bytes")
            yield pytest.param(name, place, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize(("name", "place"), [*cases()])
def test_an_output_that_cannot_be_is_refused_before_work(name, place, script, tmp_path):
    (tmp_path / "mine").write_text("mine")
    ending = ENDINGS.get(name, "")
    long = "n" * (254 - len(ending)) + ending
    deep = "/".join(["d" * 200] * 25)
    output = PLACES[place].format(name=f"out{ending}", long=long, deep=deep)
    result = script(name, *FLAGS.get(name, ()), "--output", output, cwd=tmp_path)
    assert result.code == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert "Received: " in line and visible(output).split("/out")[0][:100] in line, line
    assert "--output" in line or "shorter name" in line
    assert result.stdout == "" and result.heavy == ""
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert not Path("/proc/out").exists()
