from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.apps import explain
from sightkit.apps.explain.overlay import overlay
from sightkit.scripts import train_lenet_digits
from sightkit.scripts.explain import explain as script
from sightkit.scripts.explain import report


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    config = train_lenet_digits.Config(
        output=folder / "run", data=folder / "digits.h5", epochs=1, smoke=True
    )
    train_lenet_digits.main(config)
    return folder / "run"


def test_overlay_colours_what_is_high():
    picture = np.full((20, 30, 3), (10, 100, 30), np.uint8)
    values = np.zeros((10, 15), np.float32)
    values[:5] = 1
    found = overlay(picture, values).astype(int)
    assert found.shape == picture.shape
    assert np.ptp(found[-1], axis=1).max() == 0  # grey
    assert np.ptp(found[0], axis=1).min() > 40
    signed = overlay(picture, values - 0.5, signed=True).astype(int)
    assert (signed[0, :, 0] > signed[0, :, 2]).all()  # red for the class
    assert (signed[-1, :, 2] > signed[-1, :, 0]).all()  # blue against it


@pytest.mark.slow
def test_report_explains_mistakes_and_is_named_by_the_run(run):
    data = run.parent / "digits.h5"
    found = report.main(report.Config(run, data=data, count=3))
    assert len(found) == 3  # one epoch of a smoke run makes more mistakes
    assert all(each["true"] != each["predicted"] for each in found)
    assert all(len(each["neighbours"]) == 3 for each in found)
    page = (run / "explain.html").read_text()
    assert page.count("<h2>") == 4
    assert page.count("data:image/jpeg") == 18
    link = 'href="explain.html"'
    assert (run / "report.html").read_text().count(link) == 1
    report.main(report.Config(run, data=data, count=1))
    assert (run / "report.html").read_text().count(link) == 1


def test_report_needs_the_dataset(run):
    with pytest.raises(SightkitError, match="--data"):
        report.main(report.Config(run, data=run / "none.h5"))


def test_report_finds_the_file_that_was_built_of_photos(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "data": str(tmp_path)}))
    assert report.Config(tmp_path / "run").dataset == run.parent / "digits.h5"


def test_report_needs_a_bundle(tmp_path):
    with pytest.raises(SightkitError, match="bundle"):
        report.main(report.Config(tmp_path))


def test_report_of_networks_with_a_head_names_what_explains_them(tmp_path, monkeypatch):
    monkeypatch.setattr(report.training, "check_bundle", lambda _: {"kind": "network_and_head"})
    with pytest.raises(SightkitError, match=r"explain/explain.* --bundle .*bundle"):
        report.main(report.Config(tmp_path))


@pytest.mark.parametrize(
    ("flags", "match"),
    (
        ({"method": ("grad_cma",)}, "grad_cam"),
        ({"method": ()}, "at least one"),
        ({"method": ("rise",), "layer": "conv"}, "Leave it out, or take one of these"),
        ({"method": ("rise", "rise")}, "each once"),
        ({"images": ()}, "Name at least one image"),
        ({"model": None}, "Name one network"),
    ),
)
def test_explain_refuses_before_it_starts(flags, match, tmp_path):
    given = {"images": (tmp_path,), "model": "mobilenet_0.75", "output": tmp_path / "out"}
    with pytest.raises(SightkitError, match=match):
        script.Config(**{**given, **flags})


@pytest.mark.slow
def test_explain_writes_sheet_page_and_answers(run, tmp_path, monkeypatch):
    from sklearn.datasets import load_digits

    from sightkit.io import write_png

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for k in range(3):
        image = (load_digits().images[k] * 15).astype(np.uint8)[..., None]
        write_png(tmp_path / f"{k}.png", image)
    images = tuple(tmp_path / f"{k}.png" for k in range(3))
    config = script.Config(
        images=images, bundle=run / "bundle", output=tmp_path / "out", measure=True,
        method=("gradient", "guided_backpropagation"), target="7",
    )  # fmt: skip
    script.main(config)
    answers = json.loads((tmp_path / "out/explain.json").read_text())["answers"]
    assert [each["explained"] for each in answers] == ["7"] * 3
    assert {len(each["top"]) for each in answers} == {3}
    page = (tmp_path / "out/explain.html").read_text()
    assert page.count("data:image/jpeg") == 9
    assert page.count("randomization test: fails") == 3 and page.count("<tr>") == 1 + 2 + 3
    assert (tmp_path / "out/sheet.png").stat().st_size > 10_000
    with pytest.raises(SightkitError, match="overwrite"):
        script.Config(images=images, bundle=run / "bundle", output=tmp_path / "out")


def test_badge_of_another_network_is_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, other = (
        explain.Explainer(zoo.build("lenet", input_shape=(12, 12, 1), classes=3)) for _ in range(2)
    )
    images = np.random.default_rng(0).random((2, 12, 12, 1)).astype(np.float32)
    explain.badges_of(one, ["gradient"], images)
    assert explain.badges_of(one, ["gradient"])["gradient"] is not None
    assert explain.badges_of(other, ["gradient"])["gradient"] is None
