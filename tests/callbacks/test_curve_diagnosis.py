from __future__ import annotations

import numpy as np
import pytest

from sightkit.callbacks import diagnose_curves

NAN = float("nan")


def rows(loss, validation=None):
    table = [{"epoch": float(epoch + 1), "loss": value} for epoch, value in enumerate(loss)]
    for row, value in zip(table, validation or [], strict=False):
        row["val_loss"] = value
    return table


def names(loss, validation=None, **options):
    return [finding.name for finding in diagnose_curves(rows(loss, validation), **options)]


FALLING = [2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25]


@pytest.mark.parametrize(
    ("loss", "validation", "expected"),
    (
        (FALLING, [2.0, 1.6, 1.4, 1.3, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7], ["overfitting"]),
        # Both rise: that is no overfitting.
        ([2, 1.5, 1.2, 1, 1.1, 1.2, 1.3], [2, 1.6, 1.3, 1.2, 1.3, 1.4, 1.5], []),
        # A wave of one per cent around its lowest is noise.
        (FALLING, [2.0, 1.6, 1.4, 1.3, 1.31, 1.3, 1.305, 1.31, 1.3, 1.305], []),
        ([2.3, 2.3, 2.29, 2.31, 2.28, 2.29], [2.3] * 6, ["not learning"]),
        ([2.3, 2.3, 2.3, 2.2, 1.9, 1.5], None, []),
        (FALLING, [2.1, 1.6, 1.3, 1.1, 0.9, 0.75, 0.7, 0.6, 0.55, 0.5], ["still falling"]),
        (FALLING, [v * 0.8 for v in FALLING], ["still falling", "validation below training"]),
        ([2.0, NAN, NAN, NAN, NAN, NAN], [NAN] * 6, ["diverged"]),
        ([2.0, 1.0, 0.5, 0.4], [1.0, 2.0, 3.0, 4.0], []),  # four epochs say nothing
        ([], None, []),
    ),
)
def test_diagnose_curves_finds_what_short_curves_show(loss, validation, expected):
    assert names(loss, validation) == expected


def test_still_falling_is_reported_only_after_the_training():
    validation = [value + 0.1 for value in FALLING]
    assert names(FALLING, validation, finished=False) == []
    assert names(FALLING, validation, finished=True) == ["still falling"]


def test_overfitting_begins_at_the_best_epoch():
    validation = [2.0, 1.6, 1.4, 1.3, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7]
    assert diagnose_curves(rows(FALLING, validation))[0].first == 5


def test_epochs_without_a_finite_val_loss_are_left_out():
    validation = [2.0, 1.6, NAN, 1.3, 1.25, 1.3, 1.4, float("inf"), 1.6, 1.7]
    assert names(FALLING, validation) == ["overfitting"]


EPOCHS = np.arange(20)
SLOW = 0.3 + 2 * np.exp(-EPOCHS / 3)
SETTLED = 0.5 + 1.8 * np.exp(-EPOCHS / 2)


@pytest.mark.parametrize(
    ("loss", "validation", "expected", "advice"),
    [
        (SLOW, SETTLED, [], ""),
        (SLOW, SETTLED + 0.3 * (-1.0) ** EPOCHS, ["oscillating"], "lower learning rate"),
        (SLOW, SETTLED + 0.01 * (-1.0) ** EPOCHS, [], ""),
        (2.3 - EPOCHS * 0.08, 2.4 - EPOCHS * 0.08, ["still falling"], "train longer"),
        (SLOW, SETTLED + 0.08 * np.maximum(EPOCHS - 8, 0), ["overfitting"], "dropout"),
        (SLOW + 0.5, SETTLED - 0.1, ["validation below training"], "augmentation"),
        (2.3 - 0 * EPOCHS, 2.31 + 0 * EPOCHS, ["not learning"], "larger network"),
        (2.3 - 0 * EPOCHS[:8], 2.31 + 0 * EPOCHS[:8], ["not learning"], "15 epochs more"),
        (SLOW * np.where(EPOCHS > 12, np.nan, 1), SETTLED, ["diverged"], "tenth"),
        (0.7 + 0.7 * EPOCHS, SETTLED, ["diverged"], "tenth"),
        (0.02 * SLOW, 0.01 * SETTLED, [], ""),
        (SLOW[:5], SETTLED[:5], [], ""),
    ],
)
def test_curve_findings_by_table(loss, validation, expected, advice):
    found = diagnose_curves(rows(list(loss), list(validation)))
    assert [curve.name for curve in found] == expected
    assert all(advice in curve.advice for curve in found)


def test_histories_without_validation_or_without_losses():
    assert diagnose_curves([]) == ()
    assert diagnose_curves([{}] * 8) == ()
    without = [{"loss": value} for value in SLOW]
    assert diagnose_curves(without) == ()
    assert diagnose_curves([{}, *without]) == ()


def test_a_finding_names_the_epoch_at_which_it_begins():
    loss = [*SLOW[:12], NAN, NAN]
    assert diagnose_curves(rows(loss))[0].first == 13
    assert "from epoch 13 on" in diagnose_curves(rows(loss))[0].text


RISING = [2.0, 1.6, 1.4, 1.3, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7]
BELOW = [value * 0.8 for value in FALLING]


def with_accuracy(loss, validation, accuracy, val_accuracy):
    table = rows(loss, validation)
    for row, right, held_out in zip(table, accuracy, val_accuracy, strict=True):
        row |= {"accuracy": right, "val_accuracy": held_out}
    return table


@pytest.mark.parametrize(
    ("loss", "validation", "accuracy", "val_accuracy", "expected"),
    (
        (FALLING, RISING, 1.0, 1.0, []),  # every validation image is right
        (FALLING, RISING, 0.999, 0.995, []),
        (FALLING, RISING, 0.95, 0.80, ["overfitting"]),
        (FALLING, RISING, 0.90, 0.95, []),  # right more often than in training
        (FALLING, RISING, 0.90, 0.895, []),
        (FALLING, BELOW, 0.90, 0.95, ["still falling", "validation below training"]),
        (FALLING, BELOW, 0.95, 0.85, ["still falling"]),
        (FALLING, BELOW, 0.99, 1.0, []),
        ([0.9] * 10, [1.0] * 10, 0.3, 0.3, ["not learning"]),
        ([0.01] * 10, [1.0] * 10, 1.0, 0.7, []),  # learnt in the first epoch
        ([0.5, NAN, NAN, NAN, NAN, NAN, NAN], [0.01] * 7, 1.0, 1.0, ["diverged"]),
        (FALLING, RISING, NAN, NAN, ["overfitting"]),
    ),
)
def test_a_loss_is_no_finding_where_accuracy_says_otherwise(
    loss, validation, accuracy, val_accuracy, expected
):
    history = with_accuracy(loss, validation, [accuracy] * len(loss), [val_accuracy] * len(loss))
    assert [finding.name for finding in diagnose_curves(history)] == expected
