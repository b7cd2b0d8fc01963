"""Every number against an independent reference."""

from __future__ import annotations

import itertools
import weakref

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import confusion_matrix

from sightkit._errors import SightkitError
from sightkit.evaluation import Evaluation, evaluate, rank_accuracy

NAN, INFINITE = float("nan"), float("inf")


@st.composite
def answers(draw):
    """Scores with many ties, and labels."""
    count, width = draw(st.integers(1, 12)), draw(st.integers(2, 9))
    few = st.sampled_from((0.0, 0.125, 0.25, 0.5, 1.0))
    scores = draw(arrays.arrays(np.float32, (count, width), elements=few))
    labels = draw(arrays.arrays(np.int64, count, elements=st.integers(0, width - 1)))
    return scores, labels


def evaluation(probabilities, labels, classes=None):
    probabilities = np.asarray(probabilities, np.float32)
    names = tuple(f"class {index}" for index in range(classes or probabilities.shape[1]))
    return Evaluation(probabilities, np.asarray(labels, np.int64), names)


@given(answers(), st.integers(1, 9))
def test_rank_accuracy_is_a_stable_order_by_score(given_answers, rank):
    scores, labels = given_answers
    first = np.argsort(-scores, axis=1, kind="stable")[:, :rank]
    expected = np.mean([label in row for label, row in zip(labels, first, strict=True)])
    assert rank_accuracy(scores, labels, rank) == pytest.approx(expected)


@given(answers())
def test_rank_1_is_the_diagonal_share_of_the_confusion_matrix(given_answers):
    scores, labels = given_answers
    result = evaluation(scores, labels)
    share = np.trace(result.confusion) / len(labels)
    assert rank_accuracy(scores, labels, 1) == pytest.approx(share)
    assert rank_accuracy(scores, labels, 1) == pytest.approx(np.mean(scores.argmax(1) == labels))


@given(st.integers(1, 9), st.data())
def test_rank_accuracy_without_ties_is_that_of_keras(rank, data):
    count, width = data.draw(st.integers(1, 12)), data.draw(st.integers(2, 9))
    orders = [data.draw(st.permutations(range(width))) for _ in range(count)]
    scores = np.array(orders, np.float32) / width
    labels = np.array([data.draw(st.integers(0, width - 1)) for _ in range(count)])
    metric = keras.metrics.SparseTopKCategoricalAccuracy(k=min(rank, width))
    metric.update_state(labels, scores)
    assert rank_accuracy(scores, labels, rank) == pytest.approx(float(metric.result()), abs=1e-6)


@pytest.mark.parametrize("rank", (1, 5))
def test_constant_predictions_are_as_good_as_chance(rank):
    uniform = np.full((1000, 10), 0.1, np.float32)
    assert rank_accuracy(uniform, np.arange(1000) % 10, rank) == rank / 10


def test_a_saturated_softmax_earns_no_rank_5_by_its_zeros():
    """One-hot answers, always class 0: the other classes tie at zero."""
    saturated = np.eye(100, dtype=np.float32)[np.zeros(1000, int)]
    assert rank_accuracy(saturated, np.arange(1000) % 100, 5) == 0.05


def test_rank_accuracy_in_numbers():
    scores = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6]])
    labels = np.array([1, 1, 0, 1])
    assert rank_accuracy(scores, labels, 1) == 0.25
    assert rank_accuracy(scores, labels, 2) == 0.5  # in a tie the first class comes first
    assert rank_accuracy(scores, labels, 3) == 1.0


@given(answers(), st.data())
def test_a_row_with_nan_or_infinity_is_never_right(given_answers, data):
    scores, labels = given_answers
    row = data.draw(st.integers(0, len(labels) - 1))
    column = data.draw(st.integers(0, scores.shape[1] - 1))
    before = (
        rank_accuracy(np.delete(scores, row, 0), np.delete(labels, row), 1)
        if len(labels) > 1
        else 0
    )
    scores[row, column] = data.draw(st.sampled_from((NAN, INFINITE, -INFINITE)))
    expected = before * (len(labels) - 1) / len(labels)
    assert rank_accuracy(scores, labels, 1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "labels", "rank"),
    (
        (np.zeros((0, 3)), np.zeros(0, int), 1),
        (np.zeros((2, 3)), np.zeros(3, int), 1),
        (np.zeros((2, 3)), np.zeros(2, int), 0),
    ),
)
def test_rank_accuracy_refuses_no_samples(scores, labels, rank):
    with pytest.raises(SightkitError, match="at least one"):
        rank_accuracy(scores, labels, rank)


@given(answers())
def test_confusion_is_that_of_scikit_learn(given_answers):
    scores, labels = given_answers
    result = evaluation(scores, labels)
    expected = confusion_matrix(labels, scores.argmax(axis=1), labels=range(scores.shape[1]))
    assert np.array_equal(result.confusion, expected)
    assert result.confusion.sum() == len(labels)


def test_confusion_has_the_truth_in_rows():
    result = evaluation([[0.1, 0.9]], [0])
    assert result.confusion.tolist() == [[0, 1], [0, 0]]


@given(answers())
def test_loss_is_that_of_keras(given_answers):
    scores, labels = given_answers
    shifted = scores + np.float32(0.01)
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    expected = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    result = evaluation(probabilities, labels)
    assert np.allclose(result.losses, expected, atol=1e-5)
    assert result.to_metrics()["loss"] == pytest.approx(float(np.mean(expected)), abs=1e-5)


def test_a_probability_of_zero_costs_what_it_costs_in_keras():
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    expected = keras.losses.sparse_categorical_crossentropy(np.array([1, 1]), probabilities)
    assert np.allclose(evaluation(probabilities, [1, 1]).losses, expected, atol=1e-5)


@pytest.mark.parametrize(("classes", "given_"), ((2, False), (5, False), (6, True), (10, True)))
def test_rank5_is_reported_only_for_more_than_five_classes(classes, given_, rng):
    metrics = evaluation(rng.random((20, classes)), rng.integers(0, classes, 20)).to_metrics()
    assert (metrics["rank5"] is not None) == given_
    assert set(metrics) == {"rank1", "rank5", "loss", "count"}
    assert metrics["count"] == 20


def test_per_class_numbers_by_hand():
    # truth 0 0 0 1 2, said 0 0 1 1 1; class 3 is never met
    said = np.eye(4)[[0, 0, 1, 1, 1]]
    rows = evaluation(said, [0, 0, 0, 1, 2]).per_class()
    assert [row["images"] for row in rows] == [3, 1, 1, 0]
    assert [row["recall"] for row in rows[:3]] == pytest.approx([2 / 3, 1.0, 0.0])
    assert [row["precision"] for row in rows[:2]] == pytest.approx([1.0, 1 / 3])
    assert [row["specificity"] for row in rows] == pytest.approx([1.0, 2 / 4, 1.0, 1.0])
    assert rows[3]["recall"] is None
    assert rows[0]["f1"] == pytest.approx(0.8)


class Batches:
    class_names = ("a", "b")

    def __init__(self, *sizes):
        starts = np.cumsum([0, *sizes])
        self.parts = [np.arange(a, b) for a, b in itertools.pairwise(starts)]

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        rows = self.parts[index]
        return rows[:, None].astype("float32"), rows % 2


def test_evaluate_classifies_every_sample_once_in_order():
    asked = []

    def predictor(images):
        asked.extend(images[:, 0].astype(int).tolist())
        return np.eye(2, dtype=np.float32)[images[:, 0].astype(int) % 2]

    result = evaluate(predictor, Batches(4, 4, 1))
    assert asked == list(range(9))
    assert result.to_metrics()["rank1"] == 1.0
    assert result.class_names == ("a", "b")


def test_evaluate_frees_each_batch():
    """Images of a large test set do not fit into memory; its answers do."""
    alive = []

    class Fresh(Batches):
        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            assert sum(reference() is not None for reference in alive) <= 1
            alive.append(weakref.ref(images))
            return images, labels

    evaluate(lambda images: np.full((len(images), 2), 0.5, np.float32), Fresh(*[3] * 6))
    assert len(alive) == 6


def test_evaluate_takes_a_predictor_that_reuses_its_output():
    """A compiled network may answer in the same buffer each time."""
    buffer = np.zeros((3, 2), np.float32)

    def predictor(images):
        buffer[:] = np.eye(2)[images[:, 0].astype(int) % 2]
        return buffer

    assert evaluate(predictor, Batches(3, 3)).to_metrics()["rank1"] == 1.0


def test_evaluate_refuses_data_without_a_batch():
    with pytest.raises(SightkitError, match="at least one batch"):
        evaluate(lambda images: images, Batches())


def test_evaluate_refuses_shuffled_data():
    """Positions would name other images than those that were evaluated."""
    data = Batches(4)
    data.shuffle = True
    with pytest.raises(SightkitError, match="shuffle=False"):
        evaluate(lambda images: images, data)


def test_evaluate_refuses_augmented_data():
    data = Batches(4)
    data.augment = lambda image, rng: image
    with pytest.raises(SightkitError, match="augment"):
        evaluate(lambda images: images, data)


@pytest.mark.parametrize("number", (NAN, INFINITE))
def test_evaluate_refuses_answers_that_are_no_numbers(number):
    def predictor(images):
        answers = np.full((len(images), 2), 0.5, np.float32)
        answers[images[:, 0] == 3] = number
        return answers

    with pytest.raises(SightkitError, match="evaluated='validation', images_without=1, images=5"):
        evaluate(predictor, Batches(3, 2), name="validation")
    assert evaluate(predictor, Batches(3)).to_metrics()["count"] == 3


def test_evaluate_timed_answers_the_first_batch_twice():
    calls = []

    def predictor(images):
        calls.append(len(images))
        return np.full((len(images), 2), 0.5, np.float32)

    assert evaluate(predictor, Batches(4, 4, 1)).milliseconds is None
    assert calls == [4, 4, 1]
    assert (evaluate(predictor, Batches(4, 4, 1), timed=True).milliseconds or 0) > 0
    assert calls[3:] == [4, 4, 4, 1]


def test_milliseconds_are_the_median_of_full_batches(monkeypatch):
    clock = iter((0.0, 4.0, 0.0, 8.0, 0.0, 12.0, 0.0, 100.0))
    monkeypatch.setattr("sightkit.evaluation.predictions.time.perf_counter", lambda: next(clock))
    found = evaluate(lambda x: np.eye(2)[[0] * len(x)], Batches(4, 4, 4, 1), timed=True)
    assert found.milliseconds == 2000.0


def test_a_row_with_nan_is_right_nowhere():
    result = evaluation([[NAN, 0.5], [1.0, 0.0]], [0, 0])
    assert result.to_metrics()["rank1"] == 0.5
    assert np.trace(result.confusion) == 1


@pytest.mark.parametrize(
    ("labels", "told"),
    (
        (np.array([1, 2, 3]), "between 0 and 2"),
        (np.array([-1, 0, 1]), "between 0 and 2"),
        (np.array([0.5, 1.0, 2.0]), "class indices"),
    ),
)
def test_labels_that_are_no_classes_are_refused(labels, told):
    with pytest.raises(SightkitError, match=told):
        evaluate(lambda images: np.eye(3, dtype=np.float32), (np.zeros((3, 2, 2, 1)), labels))


def test_labels_may_be_whole_floats():
    found = evaluate(
        lambda images: np.eye(3, dtype=np.float32),
        (np.zeros((3, 2, 2, 1), np.float32), np.array([0.0, 1.0, 2.0])),
    )
    assert found.to_metrics()["rank1"] == 1.0 and found.labels.dtype == np.int64
