"""Averages, intervals and calibration against scikit-learn, Keras, formulas and plain loops."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from sightkit._errors import SightkitError
from sightkit.evaluation import Evaluation, calibrate, metrics_report
from sightkit.evaluation.intervals import bootstrap, intervals, paired_interval

pytestmark = pytest.mark.filterwarnings("error")


def made_up(count=200, classes=4, seed=0, skill=1.0):
    """Answers that are right more often than chance, with probabilities that say too much."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    scores = rng.normal(size=(count, classes)) + skill * np.eye(classes)[labels]
    shares = np.exp(2 * scores) / np.exp(2 * scores).sum(axis=1, keepdims=True)
    names = tuple(f"class {k}" for k in range(classes))
    return Evaluation(shares.astype(np.float32), labels, names)


@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_averages_are_those_of_scikit_learn(count, classes, seed):
    found = made_up(count, classes, seed)
    report = metrics_report(found)
    assert report["rank1"] == pytest.approx(
        reference.accuracy_score(found.labels, found.predictions)
    )
    recalls = reference.recall_score(
        found.labels, found.predictions, labels=np.unique(found.labels), average=None
    )
    assert report["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    for kind in ("macro", "weighted"):
        expected = reference.precision_recall_fscore_support(
            found.labels, found.predictions, average=kind, zero_division=0
        )
        assert list(report[kind].values()) == pytest.approx(list(expected[:3]))


@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_a_classes_measures_are_those_of_scikit_learn(count, classes, seed):
    found = made_up(count, classes, seed)
    expected = reference.precision_recall_fscore_support(
        found.labels, found.predictions, labels=range(classes), zero_division=np.nan
    )
    rows = found.per_class()
    for name, column in zip(("precision", "recall", "f1", "images"), expected, strict=True):
        ours = np.array([row[name] for row in rows], float)  # None becomes NaN
        np.testing.assert_allclose(ours, column, rtol=1e-12)


def test_averages_are_those_of_keras():
    found = made_up()
    true = np.eye(4, dtype=np.float32)[found.labels]
    for average in ("macro", "weighted"):
        metric = keras.metrics.F1Score(average=average)
        metric.update_state(true, found.probabilities)
        assert metrics_report(found)[average]["f1"] == pytest.approx(
            float(metric.result()), abs=1e-6
        )
    for k, row in enumerate(found.per_class()):
        for kind, name in (
            (keras.metrics.Precision, "precision"),
            (keras.metrics.Recall, "recall"),
        ):
            metric = kind(class_id=k, top_k=1)
            metric.update_state(true, found.probabilities)
            assert row[name.lower()] == pytest.approx(float(metric.result()), abs=1e-6)


def test_the_majority_baseline_needs_no_network():
    labels = np.array([2] * 7 + [0] * 3)
    found = Evaluation(np.full((10, 3), 1 / 3, np.float32), labels, ("a", "b", "c"))
    assert found.majority_baseline == 0.7
    # Always the first class: 3 of 10 right, but only one of the two classes that occur.
    assert metrics_report(found)["balanced_accuracy"] == 0.5


def test_calibration_is_that_of_a_loop_over_bins():
    found, bins = made_up(500), 7
    sure = found.probabilities.max(axis=1).astype(float)
    right = found.predictions == found.labels
    expected, worst = 0.0, 0.0
    for k in range(bins):
        inside = (sure > k / bins) & (sure <= (k + 1) / bins)
        if inside.any():
            gap = abs(right[inside].mean() - sure[inside].mean())
            expected += gap * inside.sum() / len(sure)
            worst = max(worst, gap)
    calibration = calibrate(found, bins=bins)
    assert calibration.error == pytest.approx(expected)
    assert calibration.largest_gap == pytest.approx(worst)
    assert calibration.overconfidence == pytest.approx(sure.mean() - right.mean())
    assert calibration.count.sum() == 500


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    found = Evaluation(np.array([[0.5, 0.5], [1, 0]], np.float32), np.array([0, 0]), ("a", "b"))
    assert calibrate(found, bins=2).count.tolist() == [1, 1]


@pytest.mark.parametrize("value", (np.nan, np.inf, 7.0))
def test_what_is_no_probability_is_not_calibrated(value):
    wrong = Evaluation(np.array([[value, 0.0]], np.float32), np.array([0]), ("a", "b"))
    with pytest.raises(SightkitError, match="softmax of logits"):
        calibrate(wrong)


def test_interval_of_a_mean_is_the_normal_distributions():
    """A share of 0.3 of 2,000: its standard deviation is sqrt(0.3 · 0.7 / 2,000)."""
    values = np.zeros(2000)
    values[:600] = 1
    found = bootstrap(lambda x: {"share": x.mean(axis=1)}, (values,), replicates=4000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 2000)
    assert found["share"] == pytest.approx((0.3 - half, 0.3 + half), abs=0.002)


def test_intervals_are_those_of_a_loop_that_draws_whole_samples():
    """Each replicate measured by the functions that measure the samples themselves."""
    found = made_up(60, 3)
    got = intervals(found)
    rows = np.random.default_rng(0).integers(0, 60, (1000, 60), dtype=np.int32)
    drawn = [
        Evaluation(found.probabilities[row], found.labels[row], found.class_names) for row in rows
    ]
    expected = {
        "rank1": [e.to_metrics()["rank1"] for e in drawn],
        "loss": [e.to_metrics()["loss"] for e in drawn],
        "balanced_accuracy": [float(e.class_scores.balanced_accuracy) for e in drawn],
        "f1": [float(e.class_scores.average(e.class_scores.f1)) for e in drawn],
    }
    assert set(got) == set(expected)
    for name, values in expected.items():
        assert got[name] == pytest.approx(tuple(np.quantile(values, (0.025, 0.975)))), name


def test_intervals_depend_on_the_seed_and_use_bounded_memory(monkeypatch):
    found = made_up(50)
    assert intervals(found) == intervals(found) != intervals(found, seed=1)
    drawn = []
    monkeypatch.setattr("sightkit.evaluation.intervals.CHUNK", 500)

    def share(x):
        drawn.append(x.size)
        return {"share": x.mean(axis=1)}

    bootstrap(share, (np.arange(100.0),), replicates=33)
    assert sum(drawn) == 3300 and max(drawn) <= 500


def test_intervals_of_perfect_answers_still_depend_on_the_count():
    for count, low in ((48, 0.926), (5, 0.566)):
        labels = np.arange(count) % 3
        said = np.full((count, 3), 0.05, np.float32)
        said[np.arange(count), labels] = 0.9
        found = intervals(Evaluation(said, labels, ("a", "b", "c")))
        for name in ("rank1", "balanced_accuracy", "f1"):
            assert found[name] == pytest.approx((low, 1.0), abs=1e-3)
        assert found["loss"][1] == pytest.approx(-np.log(0.9), abs=1e-3)


def test_a_paired_interval_is_narrower_than_the_two_alone():
    rng = np.random.default_rng(0)
    theirs = rng.random(1000) < 0.8
    ours = theirs | (rng.random(1000) < 0.1)  # right wherever they are, and sometimes more
    low, high = paired_interval(ours, theirs)
    assert 0 < low < (ours.mean() - theirs.mean()) < high < 0.04


@pytest.mark.parametrize(
    ("columns", "options"),
    (
        (((),), {}),
        ((np.ones(3), np.ones(4)), {}),
        ((np.ones(3),), {"replicates": 0}),
        ((np.ones(3),), {"level": 1.0}),
    ),
)
def test_a_bootstrap_of_nothing_is_refused(columns, options):
    with pytest.raises(SightkitError, match="bootstrap needs"):
        bootstrap(lambda *x: {}, columns, **options)
