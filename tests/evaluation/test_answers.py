"""Forms of answers: each evaluated as what it is, against Keras, or refused by name."""

from __future__ import annotations

import keras
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.evaluation import evaluate
from sightkit.evaluation.answers import as_probabilities

NAMES = tuple("abcdefghij")


def logits(seed=0, classes=10, count=50, scale=3.0, offset=0.0):
    rng = np.random.default_rng(seed)
    return (scale * rng.normal(size=(count, classes)) + offset).astype(np.float32)


def softmax(scores):
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class Batches:
    """Row numbers in batches of 16, labels by chance."""

    def __init__(self, classes=10, count=50):
        self.class_names = NAMES[:classes]
        self.labels = np.random.default_rng(1).integers(0, classes, count)

    def __len__(self):
        return -(-len(self.labels) // 16)

    def __getitem__(self, index):
        rows = np.arange(len(self.labels))[16 * index : 16 * index + 16]
        return rows, self.labels[rows]

    def images(self, rows):
        raise AssertionError


@pytest.mark.parametrize(
    "convert",
    (
        lambda p: p.astype(np.float32),
        lambda p: p,
        lambda p: p.astype(np.float16),
        lambda p: p.astype(ml_dtypes.bfloat16).astype(np.float32),
        lambda p: np.eye(10)[p.argmax(axis=1)],
        lambda p: np.eye(10, dtype=np.int64)[p.argmax(axis=1)],
        lambda p: np.eye(10, dtype=bool)[p.argmax(axis=1)],
        lambda p: np.full_like(p, 0.1),
        lambda p: 0.9 * p + 0.01,
    ),
    ids=("float32", "float64", "float16", "bfloat16", "hot", "int", "bool", "uniform", "smoothed"),
)
def test_as_probabilities_leaves_probabilities_as_they_are(convert):
    given_ = convert(softmax(logits()))
    np.testing.assert_array_equal(as_probabilities(given_, NAMES), given_)


@given(
    st.integers(2, 10),
    st.integers(20, 60),
    st.sampled_from((0.5, 1.0, 3.0, 30.0)),
    st.sampled_from((-50.0, -1.0, 0.0, 2.0, 100.0)),
    st.integers(0, 1000),
)
def test_as_probabilities_takes_the_softmax_of_logits(classes, count, scale, offset, seed):
    scores = logits(seed, classes, count, scale, offset)
    found = as_probabilities(scores, NAMES[:classes])
    np.testing.assert_allclose(found, softmax(scores), atol=1e-6)


def test_as_probabilities_undoes_the_logarithm():
    wanted = softmax(logits())
    np.testing.assert_allclose(as_probabilities(np.log(wanted), NAMES), wanted, atol=1e-6)


@pytest.mark.parametrize("classes", (2, 3, 10))
def test_evaluate_gives_the_loss_of_keras_for_logits(classes):
    data, scores = Batches(classes), logits(classes=classes)
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(data.labels, scores)
    found = evaluate(scores.__getitem__, data)
    assert found.to_metrics()["loss"] == pytest.approx(float(expected), abs=1e-5)
    assert np.array_equal(found.predictions, scores.argmax(axis=1))


@pytest.mark.parametrize("flat", (False, True), ids=("column", "flat"))
@pytest.mark.parametrize("as_logits", (False, True), ids=("sigmoid", "logit"))
def test_evaluate_gives_the_loss_of_keras_for_one_column(as_logits, flat):
    data, scores = Batches(2), logits(classes=1)
    answers = scores if as_logits else (1 / (1 + np.exp(-scores))).astype(np.float32)
    expected = keras.losses.BinaryCrossentropy(from_logits=as_logits)(
        data.labels[:, np.newaxis].astype("float32"), answers
    )
    found = evaluate((answers[:, 0] if flat else answers).__getitem__, data)
    assert found.to_metrics()["loss"] == pytest.approx(float(expected), abs=1e-5)
    assert np.array_equal(found.predictions, (scores[:, 0] > 0).astype(int))


@pytest.mark.parametrize("value", (np.nan, np.inf))
@pytest.mark.parametrize("columns", (1, 2))
def test_as_probabilities_keeps_what_is_no_number(value, columns):
    scores = logits(classes=columns)
    scores[7, 0] = value
    for answers in (scores, np.full_like(scores, value)):
        found = as_probabilities(answers, NAMES[:2])
        assert not np.isfinite(found[7]).all()
    assert np.isfinite(as_probabilities(scores, NAMES[:2])[:7]).all()


@pytest.mark.parametrize(
    ("answers", "rule"),
    (
        (1 / (1 + np.exp(-logits())), "neither"),
        (100 * softmax(logits()), "neither"),
        (np.round(100 * softmax(logits()), 1), "neither"),
        (np.round(255 * np.full((50, 10), 0.1)), "neither"),
        (softmax(logits()) + 0.3 * np.array([1, -1] * 5), "neither"),
        (np.zeros((50, 10)), "neither"),
        (logits().argmax(axis=1), "class indices"),
        (logits().argmax(axis=1)[:, np.newaxis], "class indices"),
        (logits().argmax(axis=1).astype("float32")[:, np.newaxis], "a column for each class"),
        (softmax(logits(classes=11)), "a column for each class"),
        (softmax(logits(classes=9)), "a column for each class"),
        (np.zeros((50, 4, 4, 10)), "a row of numbers"),
        (np.zeros((50, 0)), "a row of numbers"),
        (logits() + 1j, "a row of numbers"),
        (np.full((50, 10), "a"), "a row of numbers"),
        (np.full((50, 10), None), "a row of numbers"),
    ),
)
def test_evaluate_refuses_other_forms_by_name(answers, rule):
    with pytest.raises(SightkitError, match=f"{rule}.*Received: shape="):
        evaluate(answers.__getitem__, Batches())


@pytest.mark.parametrize(
    "labels",
    (np.linspace(-3, 3, 50), logits(classes=2), np.ones((50, 2), int), np.full(50, np.nan)),
    ids=("numbers", "rows of numbers", "several classes", "nan"),
)
def test_evaluate_refuses_targets_that_are_no_classes(labels):
    with pytest.raises(SightkitError, match=r"one class an image.*evaluate_regression"):
        evaluate(lambda images: logits(classes=2), (np.zeros((50, 1)), labels))


@pytest.mark.parametrize(
    "answer",
    (
        lambda rows: [softmax(logits())[rows]] * 2,
        lambda rows: {"a": softmax(logits())[rows]},
        lambda rows: softmax(logits()),
        lambda rows: np.float32(0.5),
        lambda rows: None,
    ),
    ids=("list", "dict", "rows", "scalar", "none"),
)
def test_evaluate_refuses_what_is_no_array_of_rows(answer):
    with pytest.raises(SightkitError, match=r"a row for each image.*images=16"):
        evaluate(answer, Batches())


def test_evaluate_refuses_batches_of_different_columns():
    with pytest.raises(SightkitError, match="as many columns"):
        evaluate(lambda rows: np.zeros((len(rows), 10 + len(rows) % 16)), Batches())


def test_what_is_no_function_is_refused_with_the_way():
    with pytest.raises(SightkitError, match=r"Classifier.*bundle\.predictor"):
        evaluate(type("Classifier", (), {})(), Batches())
