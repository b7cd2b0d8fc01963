from __future__ import annotations

import pytest

from sightkit.callbacks import diagnose_curves

NAN = float("nan")


def rows(loss, validation=None):
    table = [{"epoch": float(epoch + 1), "loss": value} for epoch, value in enumerate(loss)]
    for row, value in zip(table, validation or [], strict=False):
        row["val_loss"] = value
    return table


def kinds(loss, validation=None, **options):
    return [finding.kind for finding in diagnose_curves(rows(loss, validation), **options)]


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
        (FALLING, [v * 0.8 for v in FALLING], ["still falling", "validation below"]),
        ([2.0, NAN, NAN, NAN, NAN, NAN], [NAN] * 6, []),
        ([2.0, 1.0, 0.5, 0.4], [1.0, 2.0, 3.0, 4.0], []),  # four epochs say nothing
        ([], None, []),
    ),
)
def test_the_curves_are_read(loss, validation, expected):
    assert kinds(loss, validation) == expected


def test_that_it_still_falls_is_said_when_the_training_is_over():
    validation = [value + 0.1 for value in FALLING]
    assert kinds(FALLING, validation, finished=False) == []
    assert kinds(FALLING, validation, finished=True) == ["still falling"]


def test_overfitting_begins_at_the_best_epoch():
    validation = [2.0, 1.6, 1.4, 1.3, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7]
    assert diagnose_curves(rows(FALLING, validation))[0].first == 5


def test_epochs_whose_loss_is_not_finite_are_left_out():
    validation = [2.0, 1.6, NAN, 1.3, 1.25, 1.3, 1.4, float("inf"), 1.6, 1.7]
    assert kinds(FALLING, validation) == ["overfitting"]
