"""Boosting: votes and weights as scikit-learn's, rows drawn by weight, and what a kill changes."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from sightkit import _run_files, evaluation, experiments, training
from sightkit._errors import SightkitError
from sightkit.experiments import boosting, ensemble
from sightkit.experiments.boosting import VOTE, boost, draw_by_weight, read_votes, samme, write_vote
from sightkit.io import DatasetFile


def test_votes_and_answers_are_those_of_scikit_learn():
    x, y = load_digits(return_X_y=True)
    theirs = AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=3), n_estimators=6, random_state=0
    ).fit(x, y)
    weights, votes = np.full(len(y), 1 / len(y)), []
    answers = [tree.predict(x) for tree in theirs.estimators_]
    for answer, error, vote in zip(
        answers, theirs.estimator_errors_, theirs.estimator_weights_, strict=True
    ):
        found, alpha, weights = samme(weights, answer != y, 10)
        assert (found, alpha) == pytest.approx((error, vote), rel=1e-9)
        votes.append(alpha)
    together = evaluation.vote([np.eye(10)[answer] for answer in answers], votes)
    np.testing.assert_array_equal(together.argmax(axis=1), theirs.predict(x))


def test_a_member_without_mistakes_has_a_finite_vote():
    weights = np.full(8, 1 / 8)
    error, vote, after = samme(weights, np.zeros(8, bool), 3)
    assert error == 0 and vote == pytest.approx(np.log(15) + np.log(2))
    np.testing.assert_array_equal(after, weights)


@pytest.mark.parametrize("wrong", (2, 4))
def test_a_member_as_good_as_chance_is_refused(wrong):
    weights = np.full(4, 1 / 4)
    samme(weights, np.arange(4) < 1, 2)
    with pytest.raises(SightkitError, match=r"better than chance.*chance=0\.5"):
        samme(weights, np.arange(4) < wrong, 2)


def test_the_last_member_has_the_error_of_chance_by_the_new_weights():
    wrong = np.arange(20) < 3
    _, _, after = samme(np.full(20, 1 / 20), wrong, 5)
    assert after[wrong].sum() == pytest.approx(0.8) and after.sum() == pytest.approx(1)
    with pytest.raises(SightkitError, match="better than chance"):
        samme(after, wrong, 5)


def test_rows_are_drawn_by_weight_and_seed():
    weights = np.array([0.0, 0.1, 0.9] + [0.0] * 9_997)
    rows = draw_by_weight(50, 10_050, weights, seed=3)
    assert rows.dtype == np.int64 and {*rows} == {51, 52}
    assert (rows == 52).mean() == pytest.approx(0.9, abs=0.02)
    np.testing.assert_array_equal(rows, draw_by_weight(50, 10_050, weights, seed=3))
    assert (rows != draw_by_weight(50, 10_050, weights, seed=4)).any()


def voted(folder, dataset, bundles):
    """Move bundles into members' folders and write their votes."""
    paths = [folder / f"member-{k}" / _run_files.BUNDLE for k in range(1, len(bundles) + 1)]
    for path, bundle in zip(paths, bundles, strict=True):
        path.parent.mkdir(parents=True)
        shutil.copytree(bundle, path)
        write_vote(path, dataset, read_votes(paths[: paths.index(path)]))
    return paths


@pytest.mark.slow
def test_votes_are_of_all_training_rows_as_they_are_stored(trained_bundles, tmp_path):
    dataset, bundles = trained_bundles(tmp_path, 2)
    paths = voted(tmp_path / "e", dataset, bundles)
    file = DatasetFile.open(dataset)
    first, last = file.rows("train")
    weights = np.full(last - first, 1 / (last - first))
    for bundle, vote in zip(bundles, read_votes(paths), strict=True):
        images = list(file.memmap()[first:last])
        answers = training.load_bundle(bundle).predict(images).argmax(axis=1)
        error, alpha, weights = samme(weights, answers != file.labels[first:last], 10)
        assert (vote["error"], vote["vote"]) == pytest.approx((error, alpha))
    data = boost(dataset, tmp_path / "data" / "member-3.h5", 3, read_votes(paths))
    drawn = DatasetFile.open(data)
    rows = draw_by_weight(first, last, weights, seed=3)
    np.testing.assert_array_equal(drawn.memmap()[first:last], file.memmap()[rows])
    np.testing.assert_array_equal(drawn.memmap()[last:], file.memmap()[last:])
    boost(dataset, data, 3, read_votes(paths))
    with pytest.raises(SightkitError, match="made from another dataset"):
        boost(dataset, data, 3, read_votes(paths[:1]))


@pytest.mark.slow
def test_votes_of_other_members_or_data_are_refused(trained_bundles, tmp_path):
    dataset, bundles = trained_bundles(tmp_path, 3)
    paths = voted(tmp_path / "e", dataset, bundles[:2])
    (found,) = read_votes(paths[:1])
    for change, message in (
        ({"dataset_sha256": "0" * 64}, "the same dataset"),
        ({"mistakes": "gA=="}, "one bit a training image"),
        ({"mistakes": "no base64"}, "one bit a training image"),
    ):
        with pytest.raises(SightkitError, match=message):
            boost(dataset, tmp_path / "x.h5", 2, [{**found, **change}])
    assert not (tmp_path / "x.h5").exists()
    shutil.rmtree(paths[0])
    shutil.copytree(bundles[2], paths[0])
    with pytest.raises(SightkitError, match=r"as they were then.*member-1"):
        read_votes(paths)
    (paths[0].parent / VOTE).unlink()
    with pytest.raises(SightkitError, match=r"votes first.*it continues"):
        read_votes(paths)
    write_vote(paths[0], dataset)  # of member 2 the vote is still that after the former member 1
    with pytest.raises(SightkitError, match=r"as they were then.*member-2"):
        read_votes(paths)


@dataclasses.dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    epochs: int = 8
    batch_size: int = 10


@pytest.mark.slow
def test_a_killed_ensemble_goes_on_to_the_same_votes(trained_bundles, tmp_path, monkeypatch):
    dataset, bundles = trained_bundles(tmp_path, 3)
    base = Config(data=dataset)
    drawn, killed_at = [], ""

    def main(config):
        with training.Run.open(config, experiment="train_x") as run:
            drawn.append((config.seed, DatasetFile.open(config.data).sha256))
            die("training", config.output)
            shutil.copytree(bundles[config.seed - 1], run.path(_run_files.BUNDLE))
            run.path(_run_files.METRICS).write_text("{}")

    def die(place, path):
        if place == killed_at and path.name in ("member-2", "member-2.h5"):
            raise KeyboardInterrupt

    def train(folder):
        members = [f"member-{k}/{_run_files.BUNDLE}" for k in (1, 2, 3)]
        settings = {"experiment": "train_x", "kind": "boosting", "members": members}
        settings |= {"data": str(dataset), "config": base.to_json()}
        ensemble.train(main, base, folder, settings)
        return [json.loads((folder / f"member-{k}" / VOTE).read_text()) for k in (1, 2, 3)]

    write, unlink = boosting.write_vote, Path.unlink

    def write_or_die(bundle, *rest):
        die("vote", bundle.parent)
        return write(bundle, *rest)

    def unlink_or_die(path, *rest, **options):
        die("clearing", path)
        unlink(path, *rest, **options)

    monkeypatch.setattr(boosting, "write_vote", write_or_die)
    monkeypatch.setattr(Path, "unlink", unlink_or_die)
    whole = train(tmp_path / "whole")
    expected = {*drawn}
    assert len(drawn) == 3
    for place in ("training", "vote", "clearing"):
        drawn.clear()
        killed_at = place
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / place)
        killed_at = ""
        assert train(tmp_path / place) == whole
        assert {*drawn} == expected and len(drawn) == 3 + (place == "training")
        assert not [*(tmp_path / place / "data").iterdir()]
    found, _ = ensemble.find_members([tmp_path / "whole"])
    votes = ensemble.find_votes([tmp_path / "whole"], [*found.values()])
    assert votes == [vote["vote"] for vote in whole]
    assert ensemble.find_votes(bundles, bundles) is None
