"""Decoding, its share of right texts in Keras, targets; refusal."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps import captcha
from sightkit.apps.captcha.text_losses import ctc_loss, ctc_right, heads_right


def columns(path, classes=4, sure=0.9):
    """Probabilities (1, columns, classes) whose best path is the given one."""
    rest = (1 - sure) / (classes - 1)
    found = np.full((1, len(path), classes), rest, np.float32)
    found[0, np.arange(len(path)), path] = sure
    return found


@pytest.mark.parametrize(
    ("path", "text"),
    (
        ((0, 1, 1, 0, 2), "AB"),
        ((1, 1, 2, 2, 3), "ABC"),
        ((1, 0, 1, 0, 0), "AA"),
        ((1, 1, 1, 1, 1), "A"),
        ((0, 0, 0, 0, 0), ""),
    ),
)
def test_ctc_joins_repetitions_and_leaves_blanks_out(path, text):
    (answer,) = captcha.decode(columns(path), "ABC", "ctc")
    assert answer.text == text
    assert 0.9**5 - 1e-6 <= answer.confidence < 1


def test_text_probability_is_what_the_loss_is_of(rng):
    probabilities = rng.dirichlet(np.ones(4), (20, 6)).astype(np.float32)
    texts = [*"AB"] * 4 + ["AA", "AB", "CBA", "ABA", "CCA", "BCB"] * 2
    targets = captcha.encode(texts, "ABC", "ctc")
    expected = np.exp(-keras.ops.convert_to_numpy(ctc_loss(targets, probabilities)))
    for row, target, wanted in zip(probabilities, targets, expected, strict=True):
        found = captcha.text_probability(row, target[target > 0])
        assert found == pytest.approx(wanted, rel=1e-3)
    assert captcha.text_probability(probabilities[0], np.array([], int)) == pytest.approx(
        probabilities[0, :, 0].prod(), rel=1e-5
    )


def test_heads_answer_a_character_a_place():
    found = captcha.decode(columns((2, 0, 1), classes=3), "ABC", "heads")
    assert found == [("CAB", pytest.approx(0.9**3))]


def test_encode_is_what_decode_inverts():
    assert captcha.encode(["AB", "C"], "ABC", "ctc").tolist() == [[1, 2], [3, 0]]
    assert captcha.encode(["AB", "CA"], "ABC", "heads").tolist() == [[0, 1], [2, 0]]


def test_the_metrics_agree_with_decode(rng):
    texts = [*map("".join, rng.choice([*"AB"], (400, 2)))] + ["A", "B"] * 50
    probabilities = rng.dirichlet(np.full(3, 0.3), (500, 5)).astype(np.float32)
    targets = captcha.encode(texts, "AB", "ctc")
    found = keras.ops.convert_to_numpy(ctc_right(targets, probabilities))
    answers = captcha.decode(probabilities, "AB", "ctc")
    right = [answer.text == text for answer, text in zip(answers, texts, strict=True)]
    assert 0.05 < np.mean(right) < 0.95
    np.testing.assert_array_equal(found, right)
    places, texts = probabilities[:400, :2, :2], texts[:400]
    found = keras.ops.convert_to_numpy(heads_right(captcha.encode(texts, "AB", "heads"), places))
    answers = captcha.decode(places, "AB", "heads")
    right = [answer.text == text for answer, text in zip(answers, texts, strict=True)]
    np.testing.assert_array_equal(found, right)


def test_ctc_loss_is_the_sum_over_all_paths(rng):
    probabilities = rng.dirichlet(np.ones(3), (1, 3)).astype(np.float32)
    likelihood = 0.0
    for path in np.ndindex(3, 3, 3):
        chosen = probabilities[0, np.arange(3), path].prod()
        likelihood += chosen * (captcha.decode(columns(path, 3), "AB", "ctc")[0].text == "AB")
    (found,) = keras.ops.convert_to_numpy(ctc_loss(np.array([[1, 2]]), probabilities))
    assert found == pytest.approx(-np.log(likelihood), rel=1e-4)


def test_lower_bound_is_clopper_and_pearsons():
    assert captcha.lower_bound(190, 190) == pytest.approx(0.05 ** (1 / 190))
    assert captcha.lower_bound(190, 190) == pytest.approx(0.984, abs=5e-4)
    assert captcha.lower_bound(0, 10) == captcha.lower_bound(0, 0) == 0
    # A share below the bound gives so many successes in less than 5 % of the cases.
    draws = np.random.default_rng(0).binomial(20, captcha.lower_bound(18, 20), 100_000)
    assert (draws >= 18).mean() == pytest.approx(0.05, abs=0.003)


def test_choose_threshold_is_above_the_surest_wrong_answer():
    right, confidence = np.array([1, 1, 0, 1], bool), np.array([0.2, 0.9, 0.5, 0.6])
    assert captcha.choose_threshold(right, confidence) == 0.6
    found = captcha.answered(right, confidence, 0.6)
    assert (found["answered"], found["wrong"], found["share"]) == (2, 0, 0.5)
    assert captcha.answered(right, confidence, 0.4)["wrong"] == 1
    assert captcha.choose_threshold(np.ones(4, bool), confidence) == 0.2


@pytest.mark.parametrize("right", ([], [False], [True, False]))
def test_choose_threshold_needs_a_right_answer_that_is_surest(right):
    with pytest.raises(SightkitError):
        captcha.choose_threshold(np.array(right, bool), np.linspace(0.1, 0.9, len(right)))
