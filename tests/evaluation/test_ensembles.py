"""Averages, votes, Jensen's inequality and gains: by hand, by loops, and for any members."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sightkit._errors import SightkitError
from sightkit.evaluation import (
    Evaluation,
    ambiguity,
    by_size,
    combined,
    draw_ensemble,
    evaluate_ensemble,
    evaluate_members,
    gain,
    jensen,
    mean_answer,
    rank_accuracy,
    require_alike,
    vote,
)

CHAIN = {"name": "Pipeline", "steps": [{"name": "SimplePreprocessor", "width": 8, "height": 8}]}


@st.composite
def answers(draw):
    """Members' probabilities, zeros and ones and almost zeros among them, and labels."""
    members, count, classes = (draw(st.integers(1, high)) for high in (5, 6, 4))
    shape = (members, count, classes + 1)
    some = st.sampled_from((0.0, 1e-45, 1e-38, 1e-9, 2e-7, 0.1, 0.5, 1.0))
    scores = draw(arrays.arrays(np.float32, shape, elements=some))
    sums = scores.sum(axis=2, keepdims=True)
    scores = np.where(sums > 1, scores / np.maximum(sums, 1), scores)
    labels = draw(arrays.arrays(np.int64, count, elements=st.integers(0, classes)))
    return list(scores), labels


def member(probabilities, labels):
    probabilities = np.asarray(probabilities, np.float32)
    names = tuple(f"class {k}" for k in range(probabilities.shape[1]))
    return Evaluation(probabilities, np.asarray(labels), names, milliseconds=2.0)


def made_up(members=4, count=300, classes=5, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    scores = rng.normal(size=(members, count, classes)) + 1.2 * np.eye(classes)[labels]
    shares = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    return [member(each, labels) for each in shares]


@given(answers())
def test_loss_of_the_average_is_at_most_the_mean_loss(given_answers):
    """Without a tolerance but that of float64; cut off at 1e-7, as Keras does, it is not so."""
    assert jensen(*given_answers).holds


def test_jensen_in_numbers():
    found = jensen([np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])], np.array([0]))
    assert found.ensemble == pytest.approx(-np.log(0.375))
    assert found.members == pytest.approx((np.log(2) + np.log(4)) / 2)
    equal = jensen([np.array([[0.3, 0.7]])] * 3, np.array([1]))
    assert equal.holds and equal.ensemble == pytest.approx(equal.members)


@given(answers())
def test_votes_are_those_of_a_count_and_ties_go_to_the_surer(given_answers):
    members, _ = given_answers
    stacked = np.stack(members)
    found = vote(members)
    for row in range(stacked.shape[1]):
        counts = np.bincount(stacked[:, row].argmax(axis=1), minlength=stacked.shape[2])
        first = int(found[row].argmax())
        assert counts[first] == counts.max()
        tied = np.flatnonzero(counts == counts.max())
        sums = stacked[:, row].astype(float).sum(axis=0)
        assert sums[first] >= sums[tied].max() - 1e-5


def test_a_majority_wins_a_vote_against_one_that_is_sure():
    said = [np.array([[0.51, 0.49]]), np.array([[0.51, 0.49]]), np.array([[0.0, 1.0]])]
    assert vote(said)[0].argmax() == 0
    assert mean_answer(said)[0].argmax() == 1
    assert vote(said)[0].sum() == pytest.approx(1)


def test_evaluate_members_reads_each_batch_once():
    class Data:
        class_names, labels = ("a", "b"), np.array([0, 1, 1, 0, 1])
        read = 0

        def __len__(self):
            return 3

        def __getitem__(self, index):
            Data.read += 1
            rows = slice(2 * index, 2 * index + 2)
            return self.labels[rows][:, None].astype("float32"), self.labels[rows]

        def images(self, rows):
            raise AssertionError

    def right(x):
        return np.concatenate([1 - x, x], axis=1)

    def wrong(x):
        return np.concatenate([x, 1 - x], axis=1)

    first, second = evaluate_members({"right": right, "wrong": wrong}, Data())
    assert Data.read == 3
    assert (first.to_metrics()["rank1"], second.to_metrics()["rank1"]) == (1.0, 0.0)
    assert combined([first, second]).probabilities.tolist() == [[0.5, 0.5]] * 5


def test_gain_is_in_points_of_rank_1_over_the_members_mean():
    members = made_up()
    average = combined(members)
    assert average.milliseconds == 8.0
    found = gain(average, members)
    ranks = [each.to_metrics()["rank1"] for each in members]
    assert found.points == pytest.approx(100 * (average.to_metrics()["rank1"] - np.mean(ranks)))
    assert found.interval[0] < found.points < found.interval[1]
    assert found.per_millisecond == pytest.approx(found.points / 6)
    assert "points a millisecond" in str(found)
    free = gain(replace(average, milliseconds=2.0), members)
    assert free.per_millisecond is None and "a millisecond" not in str(free)


class Rows:
    """The answers are the data: batches of row numbers, three samples each."""

    class_names = tuple(f"class {k}" for k in range(5))

    def __init__(self, members):
        self.labels = members[0].labels

    def __len__(self):
        return -(-len(self.labels) // 3)

    def __getitem__(self, index):
        rows = np.arange(len(self.labels))[3 * index : 3 * index + 3]
        return rows, self.labels[rows]

    def images(self, rows):
        raise AssertionError


def test_evaluate_ensemble_has_a_row_for_each_way_of_answering():
    members = made_up(3, count=20)
    predictors = {
        f"member {k}": each.probabilities.__getitem__ for k, each in enumerate(members, 1)
    }
    found = evaluate_ensemble(
        predictors, Rows(members), averaged_weights=lambda rows: np.full((len(rows), 5), 0.2)
    )
    names = [row["name"] for row in found.rows]
    assert names[:4] == [*predictors, "mean of members"]
    assert names[4:] == ["answers averaged", "votes", "weights averaged"]
    rank1 = [row["rank1"] for row in found.rows]
    expected = [each.to_metrics()["rank1"] for each in members]
    assert rank1[:3] == expected and rank1[3] == pytest.approx(np.mean(expected))
    assert rank1[4] == combined(members).to_metrics()["rank1"]
    assert rank1[5] == combined(members, vote).to_metrics()["rank1"]
    assert rank1[6] == np.mean(members[0].labels == 0)
    assert found.rows[5]["loss"] is None
    metrics = json.loads(json.dumps(found.to_metrics()))
    assert metrics["jensen"]["holds"] and metrics["gain"]["points"] == found.gain.points
    lines = str(found).splitlines()
    assert lines[0].split("  ")[-1].strip() == "ms an image" and "–" in lines[6]
    assert ("<=" in lines[-2] and "points a millisecond" in lines[-1]) or "ms" in lines[-1]
    assert len(evaluate_ensemble(predictors, Rows(members)).rows) == 6


def test_evaluate_ensemble_weighs_boosted_members():
    members = made_up(3, count=40)
    predictors = {str(k): each.probabilities.__getitem__ for k, each in enumerate(members)}
    answers, weights = [each.probabilities for each in members], [0.5, 3.0, 1.0]
    found = evaluate_ensemble(predictors, Rows(members), weights=weights)
    mean = (0.5 * answers[0] + 3 * answers[1] + answers[2]) / 4.5
    np.testing.assert_allclose(found.average.probabilities, mean, atol=1e-6)
    np.testing.assert_array_equal(found.votes.predictions, answers[1].argmax(axis=1))
    assert [row.get("vote") for row in found.rows[:4]] == [*weights, None]
    assert found.jensen.holds
    assert found.jensen.members == pytest.approx(
        np.average([row["loss"] for row in found.rows[:3]], weights=weights)
    )
    lines = str(found).splitlines()
    assert lines[0].split()[0] == "vote" and "3.000" in lines[2]
    assert "SAMME" in str(found) and "by their votes" in str(found)
    plain = str(evaluate_ensemble(predictors, Rows(members)))
    assert "SAMME" not in plain and "by their votes" not in plain
    assert by_size(members, weights)[-1][0] == found.average.to_metrics()["rank1"]


def test_weighted_votes_are_not_turned_by_the_surer():
    said = [np.array([[0.51, 0.49]]), np.array([[0.0, 1.0]])]
    assert vote(said, [1.001, 1.0])[0].argmax() == 0
    assert vote(said, [1.0, 1.0])[0].argmax() == 1


@given(
    arrays.arrays(np.float64, (3, 5, 2), elements=st.floats(-1e3, 1e3)),
    arrays.arrays(np.float64, (5, 2), elements=st.floats(-1e3, 1e3)),
)
def test_error_of_the_mean_is_mean_error_less_spread(outputs, targets):
    found = ambiguity(list(outputs), targets)
    assert found.error == pytest.approx(found.members - found.spread, rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(found.average, outputs.mean(axis=0))


def test_ambiguity_in_numbers():
    found = ambiguity([np.array([1.0, 2.0]), np.array([[3.0], [2.0]])], np.array([1.0, 4.0]))
    assert found.average.tolist() == [[2.0], [2.0]]
    assert (found.error, found.members, found.spread) == (2.5, 3.0, 0.5)


@pytest.mark.parametrize("targets", (np.zeros(3), np.zeros((4, 2))))
def test_ambiguity_refuses_targets_of_other_images(targets):
    with pytest.raises(SightkitError, match="of one shape"):
        ambiguity([np.zeros((4, 1)), np.zeros((4, 1))], targets)


def test_evaluate_ensemble_names_the_member_that_diverged():
    members = made_up(2, count=4)
    predictors = {
        "good": members[0].probabilities.__getitem__,
        "bad": lambda rows: np.full((len(rows), 5), np.nan),
    }
    with pytest.raises(SightkitError, match="evaluated='bad', images_without=4"):
        evaluate_ensemble(predictors, Rows(members))


def test_accuracy_by_size_is_that_of_all_choices():
    members = made_up(4)
    found = by_size(members)
    for size in (1, 2, 3, 4):
        ranks = [
            rank_accuracy(np.mean([m.probabilities for m in some], axis=0), members[0].labels)
            for some in itertools.combinations(members, size)
        ]
        assert found[size - 1] == pytest.approx((np.mean(ranks), min(ranks), max(ranks)))


def test_many_members_are_not_tried_in_all_choices(monkeypatch):
    monkeypatch.setattr("sightkit.evaluation.ensembles.SUBSETS", 3)
    assert len(by_size(made_up(8, count=20))) == 8


def test_the_picture_is_drawn(tmp_path):
    draw_ensemble(made_up(), tmp_path / "e.png")
    assert cv2.imread(str(tmp_path / "e.png")) is not None


def test_members_that_are_alike_are_accepted():
    require_alike({k: {"class_names": ["a", "b"], "preprocessing": CHAIN} for k in ("one", "two")})


@pytest.mark.parametrize(
    ("change", "told"),
    (
        ({"class_names": ["b", "a"]}, "class_names.0: b, the others a"),
        ({"class_names": ["a", "c"]}, r"class_names.1: c, the others b"),
        ({"class_names": ["a", "b", "c"]}, r"class_names: \['a', 'b', 'c'\], the others"),
        (
            {"preprocessing": {**CHAIN, "steps": [{**CHAIN["steps"][0], "width": 9}]}},
            "preprocessing.steps.0.width: 9, the others 8",
        ),
        ({"preprocessing": {**CHAIN, "steps": []}}, "preprocessing.steps"),
    ),
)
def test_members_that_differ_are_refused_by_name(change, told):
    first = {"class_names": ["a", "b"], "preprocessing": CHAIN}
    with pytest.raises(SightkitError, match=told.replace(".", r"\.")) as refused:
        require_alike({"one": first, "two": first, "odd": {**first, **change}})
    assert "'odd'" in str(refused.value) and "odd out" in str(refused.value)


def test_one_member_is_no_ensemble():
    with pytest.raises(SightkitError, match="two members"):
        require_alike({"one": {"class_names": ["a"], "preprocessing": CHAIN}})


def test_answers_to_other_images_are_not_averaged():
    with pytest.raises(SightkitError, match="same images"):
        mean_answer([np.ones((2, 3)), np.ones((3, 3))])
