"""Errors of numbers: against scikit-learn; classes, other columns and NaN are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from sightkit._errors import SightkitError
from sightkit.evaluation import evaluate_regression

COUNT = 40


class Batches:
    """Images that are their own row numbers, in batches of 16."""

    def __init__(self, targets):
        self.targets = targets

    def __len__(self):
        return -(-COUNT // 16)

    def __getitem__(self, index):
        rows = np.arange(COUNT)[16 * index : 16 * (index + 1)]
        return rows, self.targets[rows]


@pytest.mark.parametrize("outputs", (0, 1, 3), ids=("flat", "column", "three"))
@pytest.mark.parametrize("batches", (False, True), ids=("arrays", "batches"))
def test_errors_are_those_of_sklearn(rng, outputs, batches):
    shape = (COUNT, outputs) if outputs else (COUNT,)
    targets = rng.normal(5, 2, shape)
    answers = (targets + rng.normal(0, 1, shape)).astype(np.float32)
    data = Batches(targets) if batches else (np.arange(COUNT), targets)
    found = evaluate_regression(lambda rows: answers[rows], data)
    for name, measure in (
        ("mse", mean_squared_error),
        ("mae", mean_absolute_error),
        ("r2", r2_score),
    ):
        assert found.metrics[name] == pytest.approx(measure(targets, answers), rel=1e-5)
        low, high = found.intervals[name]
        assert low < found.metrics[name] < high
    stored = json.loads(json.dumps(found.to_metrics()))
    assert stored["count"] == COUNT and stored["intervals"]["replicates"] == 1000
    assert "R² 0." in str(found) and "40 images" in str(found)


def test_r2_of_targets_that_are_all_the_same_is_unknown(rng):
    found = evaluate_regression(lambda rows: rng.random(len(rows)), (np.arange(9), np.full(9, 0.1)))
    assert np.isnan(found.metrics["r2"])
    stored = json.loads(json.dumps(found.to_metrics(), allow_nan=False))
    assert stored["r2"] is None and stored["intervals"]["r2"] is None


@pytest.mark.parametrize(
    ("answers", "targets", "rule"),
    (
        (np.zeros((COUNT, 2)), np.arange(COUNT), "a column for each target"),
        (np.zeros((COUNT, 2)), np.zeros((COUNT, 3)), "a column for each target"),
        (np.zeros((COUNT, 2, 2)), np.zeros((COUNT, 2, 2)), "a column for each target"),
        (np.full(COUNT, "a"), np.zeros(COUNT), "a column for each target"),
        (np.full(COUNT, np.nan), np.arange(COUNT), "answers .* must be finite"),
        (np.zeros(COUNT), np.full(COUNT, np.inf), "targets .* must be finite"),
        (np.full((COUNT, 1), 0.4), np.arange(COUNT) % 2, r"no regression.*evaluation\.evaluate"),
        (np.full((COUNT, 2), 0.5), np.eye(2)[np.arange(COUNT) % 2], "no regression"),
    ),
)
def test_what_is_no_regression_is_refused(answers, targets, rule):
    with pytest.raises(SightkitError, match=rule):
        evaluate_regression(lambda rows: answers[rows], (np.arange(COUNT), targets))


def test_data_that_are_shuffled_or_empty_are_refused():
    data = Batches(np.arange(COUNT))
    data.shuffle = True
    with pytest.raises(SightkitError, match="stored order"):
        evaluate_regression(lambda rows: rows, data)
    with pytest.raises(SightkitError, match="at least one image"):
        evaluate_regression(lambda rows: rows, (np.zeros(0), np.zeros(0)))
