"""From errors and curves to findings, by table."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import SplitError, diagnose
from sightkit.evaluation.split_errors import errors_of_run

MANY = 100_000


def errors(train=None, held=None, validation=None, test=None, count=MANY):
    given = {"train": train, "train_validation": held, "validation": validation, "test": test}
    return {name: SplitError(e, count) for name, e in given.items() if e is not None}


def large(found):
    return tuple(gap.name for gap in found.gaps if gap.verdict == "large")


# Floor 1 %. The remedy is that of the largest gap; of equal ones that of the first step.
@pytest.mark.parametrize(
    ("given", "gaps", "remedy"),
    [
        (errors(0.15, 0.153, 0.155, 0.155), ("bias",), "larger network"),
        (errors(0.015, 0.11, 0.115, 0.115), ("variance",), "more training data"),
        (errors(0.015, 0.02, 0.10, 0.10), ("data mismatch",), "like those of the validation"),
        (errors(0.012, 0.014, 0.015, 0.09), ("overfitting to validation",), "more validation"),
        (errors(0.012, 0.014, 0.016, 0.018), (), ""),
        (errors(0.10, 0.20, 0.30, 0.40), None, "more training data"),
        (errors(0.10, 0.11, 0.30, 0.30), ("bias", "data mismatch"), "like those of the validation"),
        (errors(0.20, 0.21, 0.30, 0.30), ("bias", "data mismatch"), "larger network"),
        (errors(0.012, None, 0.10, 0.10), ("variance",), "more training data"),
        (errors(0.012, None, 0.012, 0.10), ("overfitting to validation",), "more validation"),
        (errors(0.10), ("bias",), "larger network"),
    ],
)
def test_diagnose_names_the_large_gaps_and_a_remedy(given, gaps, remedy):
    found = diagnose(given, floor=0.01, floor_source="two annotators")
    every = ("bias", "variance", "data mismatch", "overfitting to validation")
    assert large(found) == (every if gaps is None else gaps)
    assert remedy in found.next
    assert ("Try next" in found.next) == bool(large(found))
    assert [gap.name for gap in found.gaps] == list(every)


@pytest.mark.parametrize(
    ("given", "headline"),
    [
        (errors(0.0135, None, 0.059, 0.10, count=2_000), "Variance: 4.5 points"),
        (errors(0.0135, None, 0.03, 0.10, count=2_000), "Overfitting to validation: 7.0 points"),
        (errors(0.0135, None, 0.0135, 0.0135), "Close to the floor"),
        (errors(0.045, 0.046, 0.046, 0.046), "Close to the floor"),
        (errors(0.30, None, 0.34, 0.34, count=2_000), "Bias: 30.0 points"),
    ],
)
def test_without_a_floor_a_small_training_error_is_no_bias(given, headline):
    found = diagnose(given)
    assert found.headline.startswith(headline)
    assert ("bias" in str(found).lower()) == headline.startswith("Bias")


@pytest.mark.parametrize(
    ("given", "few", "proposed"),
    [
        (errors(0.30, None, 0.34, 0.34, count=2_000), 2_000, True),  # 66 % from scratch
        (errors(0.02, None, 0.34, 0.34, count=2_000), 2_000, True),
        (errors(None, None, 0.34, 0.34, count=50), 2_000, True),
        (errors(0.30, None, 0.34, 0.34, count=2_000), 0, False),
        (errors(0.01, None, 0.02, 0.02, count=2_000), 2_000, False),
    ],
)
def test_few_photos_from_scratch_lead_to_features_first(given, few, proposed):
    found = diagnose(given, few_photos=few)
    assert found.next.startswith("Try next: features of a pretrained network") == proposed
    assert found.next.count("Try next: ") <= 1 and ".." not in found.next
    if large(found):
        assert "network" in found.next or "data" in found.next


@pytest.mark.parametrize(
    ("epochs", "first"),
    [
        (1, "longer training (few epochs: 1), then a larger"),
        (14, "longer"),
        (15, "a larger network"),
    ],
)
def test_few_epochs_lead_to_more_before_a_larger_network(epochs, first):
    history = [{"epoch": float(epoch)} for epoch in range(epochs)]
    found = diagnose(errors(0.30, None, 0.31, 0.31), history=history)
    assert found.next.startswith(f"Try next: {first}")


def test_one_answer_for_all_images_comes_first():
    given, text = errors(0.28, None, 0.28, 0.28), "Nearly always one answer: no."
    history = rows(*[np.linspace(2, 1, 20)] * 2)
    found = diagnose(given, one_answer=text, history=history[:2])
    assert str(found).startswith(f"{text} Bias: 28.0 points")
    assert found.next.startswith("Try next: class weights") and "larger" not in found.next
    assert diagnose(given, one_answer=text, history=history).next.startswith("Try next: train long")
    rare = diagnose(errors(*[0.001] * 4), one_answer=text)
    assert str(rare).startswith(text) and "class weights" in rare.next
    neighbours = diagnose(given, one_answer=text, fitted=True)
    assert "class weights" not in neighbours.next and neighbours.headline.startswith(text)


@pytest.mark.parametrize("given", [errors(0.3, *[0.31] * 3), errors(0.0, *[0.31] * 3)])
def test_what_is_no_network_needs_no_larger_one(given):
    found = diagnose(given, fitted=True)
    assert "features" in found.next
    assert not re.search("larger network|longer|architecture", found.next)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (errors(0.10, None, 0.30, 0.30), "dropout, augmentation"),
        (errors(0.10, None, 0.102, 0.102), "the variance is small"),
    ],
)
def test_curves_and_splits_agree_about_overfitting(given, advice):
    history = rows(FALLING, SETTLED + 0.1 * np.maximum(EPOCHS - 6, 0))
    (curve,) = diagnose(given, history=history).curves
    assert curve.name == "overfitting"
    assert advice in curve.advice


def test_a_loss_that_stays_is_learning_enough_at_the_floor():
    flat = np.full(20, 0.9)
    history = rows(flat, flat)
    at_the_floor = diagnose(errors(*[0.30] * 4), floor=0.3, floor_source="two annotators",
                            history=history)  # fmt: skip
    assert at_the_floor.curves == ()
    assert diagnose(errors(*[0.30] * 4), history=history).curves[0].name == "not learning"


def test_errors_are_compared_to_the_floor_not_to_zero():
    """The same 15 %: near a human's error it is none, against zero it is bias."""
    given = errors(0.15, 0.152, 0.153, 0.153)
    assert large(diagnose(given, floor=0.145, floor_source="a radiologist")) == ()
    assert large(diagnose(given, floor=0.0, floor_source="by definition")) == ("bias",)


@pytest.mark.parametrize(
    ("floor", "source", "said"),
    [
        (None, "", "0 % is assumed, which is a guess"),
        (0.05, "", "5.00 %, which is a guess"),
        (0.05, "one annotator on 500 images", "(one annotator on 500 images)"),
    ],
)
def test_a_floor_that_is_a_guess_is_said_to_be_one(floor, source, said):
    assert said in diagnose(errors(0.1), floor=floor, floor_source=source).floor


@pytest.mark.parametrize(
    ("count", "verdict"), ((100, "undecided"), (400, "undecided"), (10_000, "large"))
)
def test_a_difference_below_the_sampling_error_is_undecided(count, verdict):
    """90 % on validation and 88 % on test: of 100 images that is nothing."""
    found = diagnose(errors(validation=0.10, test=0.12, count=count))
    assert found.gaps[3].verdict == verdict
    if verdict == "undecided":
        assert "too few images" in found.gaps[3].text
        assert "undecided: overfitting to validation" in found.headline
        assert found.next == "Try next: measure on more images."


def test_the_interval_is_newcombes():
    """Newcombe 1998, method 10, his example: 56/70 - 48/80 gives 0.0524 to 0.3339."""
    found = diagnose({"validation": SplitError(48 / 80, 80), "test": SplitError(56 / 70, 70)}).gaps[
        3
    ]
    assert found.size == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-4)


def test_no_mistakes_on_few_images_prove_little():
    """Of 30 images none is wrong: the error is below 11.4 %, not zero (Wilson)."""
    low, high = SplitError(0.0, 30).interval()
    assert low == 0
    assert high == pytest.approx(0.1135, abs=1e-3)


def test_a_small_gap_that_is_certain_does_not_matter():
    assert diagnose(errors(validation=0.10, test=0.104, count=10**7)).gaps[3].verdict == "small"
    found = diagnose(errors(validation=0.10, test=0.104, count=10**7), material=0.001)
    assert found.gaps[3].verdict == "large"


def test_missing_splits_are_told():
    found = diagnose(errors(test=0.1))
    assert [gap.verdict for gap in found.gaps] == ["unknown"] * 4
    assert math.isnan(found.gaps[0].size)
    assert "on training was not measured" in found.gaps[0].text
    assert found.headline == "Too few splits were measured for a diagnosis."


def test_without_a_train_validation_split_one_source_is_reported():
    gap = diagnose(errors(0.01, None, 0.2, 0.2)).gaps[1]
    assert gap.verdict == "large"
    assert "one source" in gap.text
    assert "one source" not in diagnose(errors(0.01, 0.2, 0.2, 0.2)).gaps[1].text


@pytest.mark.parametrize(
    ("train", "validation", "bias", "variance"),
    [
        (0.005, 0.2, "small", "large"),
        (0.2, 0.2, "undecided", "undecided"),
        (0.2, 0.1, "undecided", "undecided"),
        (0.2, 0.4, "undecided", "large"),
    ],
)
def test_a_training_error_measured_while_training_is_a_bound(train, validation, bias, variance):
    found = diagnose(
        {
            "train": SplitError(train, at_most=True),
            "validation": SplitError(validation, MANY),
        }
    )
    assert (found.gaps[0].verdict, found.gaps[1].verdict) == (bias, variance)
    assert found.gaps[0].text.startswith("Error at most")
    if bias == variance == "undecided":
        assert "without augmentation" in found.next


def test_the_errors_of_a_run():
    metrics = {"validation": {"rank1": 0.9, "count": 50}, "test": {"rank1": 0.8, "count": 40}}
    history = [
        {"epoch": 1.0, "accuracy": 0.5, "best_epoch": 1.0},
        {"epoch": 2.0, "accuracy": 0.8, "best_epoch": 2.0},
        {"epoch": 3.0, "accuracy": 0.9, "best_epoch": 2.0},
    ]
    found = errors_of_run({**metrics, "seed": 1}, history)
    assert found["train"].error == pytest.approx(0.2)
    assert found["train"].at_most
    assert found["test"].error == pytest.approx(0.2)
    assert found["test"].count == 40
    assert set(errors_of_run(metrics, [])) == {"validation", "test"}
    measured = errors_of_run({**metrics, "train": {"rank1": 1.0, "count": 9}}, history)
    assert measured["train"] == SplitError(0.0, 9)


def rows(loss, validation):
    return [
        {"epoch": float(epoch), "loss": a, "val_loss": b}
        for epoch, (a, b) in enumerate(zip(loss, validation, strict=True), start=1)
    ]


EPOCHS = np.arange(20)
FALLING = 0.3 + 2 * np.exp(-EPOCHS / 3)
SETTLED = 0.5 + 1.8 * np.exp(-EPOCHS / 2)


def test_curves_come_first_where_they_are_urgent():
    history = rows(FALLING, SETTLED + 0.3 * (-1.0) ** EPOCHS)
    found = diagnose(errors(0.005, 0.2, 0.2, 0.2), history=history)
    assert found.next.startswith("Try next: a lower learning rate")
    assert "more training data" in found.next
    found = diagnose(errors(*[0.005] * 4), history=history)
    assert "up and down" in found.headline
    assert "lower learning rate" in str(found)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SplitError(5.0, 10),
        lambda: SplitError(-0.1, 10),
        lambda: SplitError(float("nan"), 10),
        lambda: SplitError(0.1, 0),
        lambda: diagnose({"tset": SplitError(0.1, 10)}),
        lambda: diagnose({}, floor=5.0),
        lambda: diagnose({}, material=1.0),
    ],
)
def test_what_is_no_share_is_refused(wrong):
    with pytest.raises(SightkitError, match="Received"):
        wrong()
