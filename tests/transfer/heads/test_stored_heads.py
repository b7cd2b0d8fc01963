"""Stored heads: they predict without scikit-learn, and become its estimators again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sightkit.transfer.heads.fitting import fit_head
from sightkit.transfer.heads.storage import load_head, save_head

KINDS = (
    *[(kind, None) for kind in ("logistic", "softmax", "svm", "squared_svm")],
    *[(kind, "ovo") for kind in ("logistic", "svm")],
    ("logistic", "ovr"),
    *[(kind, None) for kind in ("knn", "random_forest", "adaboost")],
)


def photos(classes, count=150, dimensions=12):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    centres = rng.normal(size=(classes, dimensions))
    return (centres[labels] + rng.normal(size=(count, dimensions))).astype(np.float32), labels


@pytest.mark.slow
@pytest.mark.parametrize("classes", (2, 4))
@pytest.mark.parametrize("calibrated", (False, True))
@pytest.mark.parametrize(("kind", "multiclass"), KINDS)
def test_estimator_predicts_as_the_stored_head(
    kind, multiclass, classes, calibrated, tmp_path, monkeypatch
):
    monkeypatch.setattr("sightkit.transfer.heads.fitting.TREES", 20)
    features, labels = photos(classes)
    names = [str(label) for label in range(classes)]
    options = {"multiclass": multiclass, "calibrated": calibrated}
    fitted = fit_head(kind, features[:90], labels[:90], names, **options)
    head = load_head(tmp_path, save_head(tmp_path, fitted.head), classes, fitted.head.dimensions)
    shares = head.predict_proba(features[90:])
    assert np.array_equal(shares, fitted.head.predict_proba(features[90:]))
    assert np.array_equal(head.predict(features[90:]), shares.argmax(axis=1))
    assert np.array_equal(head.classes_, np.arange(classes))
    estimator = head.estimator()
    given = features[90:].astype(np.float64)
    assert np.array_equal(estimator.predict(given), head.predict(features[90:]))
    if multiclass != "ovo" or classes == 2:
        assert np.abs(estimator.predict_proba(given) - shares).max() < 1e-6


def test_estimator_has_the_weights_that_the_head_has():
    features, labels = photos(3)
    head = fit_head("logistic", features, labels, ["a", "b", "c"], strengths=(0.1,)).head
    turned = replace(head, weights=-head.weights, intercepts=-head.intercepts)
    assert (turned.estimator().predict(features) != head.predict(features)).mean() > 0.5


def test_stored_head_needs_neither_scikit_learn_nor_keras(tmp_path):
    features, labels = photos(3)
    head = fit_head("logistic", features, labels, ["a", "b", "c"], strengths=(0.1,)).head
    description = save_head(tmp_path, head)
    program = f"""
import pathlib, sys
import numpy as np
from sightkit.transfer.heads.storage import load_head
head = load_head(pathlib.Path({str(tmp_path)!r}), {description!r}, 3, 12)
head.predict(np.zeros((2, 12), np.float32))
assert not {{"sklearn", "keras", "tensorflow", "scipy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
