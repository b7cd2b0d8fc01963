"""scripts/evaluate.py and scripts/evaluate_ensemble.py: what they refuse, print and write."""

from __future__ import annotations

import json
import shutil

import pytest

from sightkit import io, training
from sightkit.experiments import ledger
from sightkit.io import DatasetFile, write_png


@pytest.fixture(scope="module")
def made(trained_bundles, tmp_path_factory):
    """A dataset file of digits and three bundles."""
    return trained_bundles(tmp_path_factory.mktemp("made"), 3)


@pytest.fixture(scope="module")
def photos(made, tmp_path_factory):
    """Two rows a digit, one of them trained on, as files; one more is no photo."""
    file = DatasetFile.open(made[0])
    folder = tmp_path_factory.mktemp("photos")
    for split in ("train", "test"):
        first, last = file.rows(split)
        for digit in range(10):
            row = first + int((file.labels[first:last] == digit).argmax())
            (folder / str(digit)).mkdir(exist_ok=True)
            write_png(folder / str(digit) / f"{split}.png", file.memmap()[row])
    (folder / "3" / "broken.png").write_bytes(b"no photo")
    return folder


def check_refused(result, *parts):
    assert result.code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1 and "Traceback" not in result.stderr
    assert all(part in result.stderr for part in parts), result.stderr
    assert result.heavy == ""


@pytest.mark.slow
def test_evaluate_leaves_out_a_bad_photo_and_exits_with_2(made, photos, script, tmp_path):
    _, bundles = made
    flags = ("--bundle", bundles[0], "--data", photos, "--output", tmp_path / "evaluated")
    result = script("evaluate", *flags, cwd=tmp_path)
    assert result.code == 2 and "Traceback" not in result.stderr
    assert "broken.png" in result.stderr and "bad=1, evaluated=20" in result.stderr
    assert "trained on 10 of these 20 images" in result.stderr
    metrics = json.loads((tmp_path / "evaluated" / "metrics.json").read_text())
    assert (metrics["trained_on"], metrics["test"]["count"]) == (10, 20)
    assert list(metrics["bad"]) == ["3/broken.png"]
    assert metrics["test"]["balanced_accuracy"] == pytest.approx(metrics["test"]["rank1"])
    (row,) = ledger.read(tmp_path / ledger.LOCAL)
    assert (row["experiment"], row["network"], row["test_images"]) == ("evaluate", "mlp", 20)
    assert row["rank1"] == metrics["test"]["rank1"] and str(photos) in row["command"]
    names = {path.name for path in (tmp_path / "evaluated").iterdir()}
    assert {"report.html", "confusion_matrix.png", "reliability.png"} <= names
    page = (tmp_path / "evaluated" / "report.html").read_text()
    header = page[page.index("<header>") : page.index("</header>")]
    header = header.replace("\u2060", "").replace("\xa0", " ")  # numbers are joined to their units
    assert "trained on 10 of these 20 images" in header  # the page is what is passed on
    assert f"{bundles[0]}, evaluated on {photos}" in header
    # What it says is what the bundle says.
    bundle = training.load_bundle(bundles[0])
    paths = sorted(path for path in photos.rglob("*.png") if path.name != "broken.png")
    right = bundle.predict(paths).argmax(axis=1) == [int(path.parent.name) for path in paths]
    assert metrics["test"]["rank1"] == pytest.approx(right.mean())


@pytest.mark.slow
def test_evaluate_compares_crops_and_replaces_an_evaluation(made, script, tmp_path):
    data, bundles = made
    flags = ("--bundle", bundles[0], "--data", data, "--output", tmp_path / "evaluated")
    for crops in (1, 10):
        result = script("evaluate", *flags, "--crops", crops, cwd=tmp_path)
        assert result.code == 0, result.stderr
        assert "trained on" not in result.stderr
    assert "10 crops against one:" in result.stdout
    metrics = json.loads((tmp_path / "evaluated" / "metrics.json").read_text())
    assert metrics["crops"] == 10 and metrics["trained_on"] == 0
    difference = metrics["test"]["rank1"] - metrics["once"]["rank1"]
    assert metrics["gain"]["points"] == pytest.approx(100 * difference)


def test_evaluate_refuses_other_classes_before_keras_starts(made, photos, script, tmp_path):
    folder = shutil.copytree(photos, tmp_path / "photos")
    (folder / "7").rename(folder / "seven")
    result = script("evaluate", "--bundle", made[1][0], "--data", folder, cwd=tmp_path)
    check_refused(result, "'7'", "'seven'")


def test_evaluate_refuses_bad_input_before_keras_starts(made, script, tmp_path):
    data, bundles = made
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    bundle = ("--bundle", bundles[0])
    for flags, told in (((), "--bundle"), (bundle, "--data")):
        result = script("evaluate", *flags)
        assert result.code == 2 and told in result.stderr and result.heavy == ""
    check_refused(script("evaluate", "--bundle", tmp_path, "--data", data), "bundle.json")
    check_refused(script("evaluate", *bundle, "--data", tmp_path / "no.h5"), "no.h5")
    check_refused(script("evaluate", *bundle, "--data", data, "--split", "dev"), "'dev'")
    check_refused(
        script("evaluate", *bundle, "--data", data, "--output", tmp_path / "mine"), "thesis.tex"
    )


@pytest.mark.slow
def test_evaluate_ensemble_of_bundles_reports_each_way(made, script, tmp_path):
    data, bundles = made
    flags = (*bundles, "--data", data, "--output", tmp_path / "evaluated")
    result = script("evaluate_ensemble", *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stderr == ""
    for line in ("mean of members", "answers averaged", "votes", "weights averaged", "Jensen: "):
        assert line in result.stdout
    metrics = json.loads((tmp_path / "evaluated" / "metrics.json").read_text())
    (row,) = ledger.read(tmp_path / ledger.LOCAL)
    assert (row["experiment"], row["rank1"]) == ("evaluate_ensemble", metrics["test"]["rank1"])
    assert row["data_sha256"] == DatasetFile.open(data).sha256
    members = metrics["ensemble"][:3]
    assert [row["name"] for row in members] == [str(path) for path in bundles]
    assert metrics["jensen"]["holds"]
    mean = sum(row["rank1"] for row in members) / 3
    assert metrics["gain"]["points"] == pytest.approx(100 * (metrics["test"]["rank1"] - mean))
    assert (tmp_path / "evaluated" / "ensemble.png").stat().st_size > 0
    assert "Accuracy by number of members" in (tmp_path / "evaluated" / "report.html").read_text()


def test_evaluate_ensemble_refuses_members_that_differ(made, script, tmp_path):
    data, (first, *_) = made
    network = training.load_bundle(first)
    canary = io.read_image(first / "canary.png")
    training.save_bundle(
        tmp_path / "other",
        network.network,
        preprocessing=network.preprocessing,
        class_names=network.class_names[::-1],
        canary=canary,
    )
    result = script("evaluate_ensemble", first, tmp_path / "other", "--data", data)
    check_refused(result, "the same classes in the same order", str(tmp_path / "other"))
    check_refused(script("evaluate_ensemble"), "Name an ensemble")
    check_refused(script("evaluate_ensemble", tmp_path), "ensemble.json")
    check_refused(script("evaluate_ensemble", first, first), "--data")
