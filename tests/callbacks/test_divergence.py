from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from sightkit.callbacks.divergence import DivergenceDetector, stretch_of

NAN, INFINITE = float("nan"), float("inf")
LOG10 = math.log(10)
SERIES = Path(__file__).parents[2] / "benchmarks" / "results" / "divergence.json.gz"


def stop(losses, *, steps, chance=LOG10, one_class=lambda step: False, detector=None):
    """(step, rule) of the stop, or None."""
    detector = detector or DivergenceDetector()
    detector.chance = chance
    for step, loss in enumerate(losses):
        rule = detector.observe(
            loss, batch=step % steps, steps=steps, one_class=lambda step=step: one_class(step)
        )
        if rule:
            return step, rule
    return None


@pytest.mark.parametrize(
    ("steps", "expected"),
    ((1, 16), (3, 18), (9, 18), (16, 16), (300, 300), (301, 151), (1000, 250), (None, 300)),
)
def test_a_stretch_is_an_epoch_or_at_most_300_steps(steps, expected):
    assert stretch_of(steps) == expected


@pytest.mark.parametrize("loss", (NAN, INFINITE, -INFINITE))
def test_nan_and_infinity_are_told_at_once(loss):
    step, rule = stop([2.3, 2.2, loss, 2.0], steps=20)
    assert step == 2
    assert rule == f"the loss became {loss}"


def test_a_burst_that_comes_back_is_no_divergence():
    assert stop([2.3, 900, 80, *[30] * 4, *[9] * 5, *[2] * 8, *[1] * 20], steps=20) is None


def test_a_loss_that_rises_is_told_after_a_stretch():
    step, rule = stop([2.3 * 1.3**n for n in range(40)], steps=20)
    assert step == 19
    assert rule.startswith("over 20 steps the loss is 28.05 and does not fall")
    assert rule.endswith("the first was 2.3")
    assert stop([2.3, *[8, 5] * 40], steps=20) is None  # 6.91 is the limit, 6.5 the median


def test_a_loss_still_above_the_limit_a_stretch_later_is_told():
    step, rule = stop([2.3, *[1e5 / 1.2**n for n in range(60)]], steps=20)
    assert step == 39
    assert rule.startswith("20 steps after a burst the loss is still ")
    assert stop([2.3, *[1e5 / 2**n for n in range(60)]], steps=20) is None


def test_a_burst_beyond_what_keras_mean_can_tell_is_no_burst():
    """To a float32 sum of 1e9 losses of 2 add nothing."""
    step, rule = stop([2.3, *[1e9 / 2**n for n in range(60)]], steps=20)
    assert step == 19
    assert rule == "over 20 steps the loss is on average 1e+08, the first was 2.3"


@pytest.mark.parametrize(
    ("later", "one_class", "stops"),
    (
        ([2.3] * 20, True, True),
        ([2.27] * 20, True, True),
        ([2.24] * 20, True, False),  # 0.98 log 10 is 2.257
        ([2.3] * 20, False, False),
        ([4.0] * 10 + [2.5] * 10, True, False),  # it still falls
        ([2.5] * 10 + [2.3] * 10, True, True),
    ),
)
def test_death_after_a_burst_is_told(later, one_class, stops):
    burst = [2.3, 50, 20, *[2.4] * 17]
    found = stop([*burst, *later], steps=20, one_class=lambda step: one_class)
    assert (found is not None) == stops
    if found:
        assert found[0] == 39
        assert "one class is predicted for all of 64 images" in found[1]


def test_one_class_without_a_burst_is_no_death():
    """A network that has not begun to learn lies there too; so does one that came back once."""
    probed = []
    assert stop([2.3] * 80, steps=20, one_class=lambda step: probed.append(step) or True) is None
    burst = [2.3, 50, 20, *[2.4] * 17]
    later = [*[1.5] * 20, *[2.3] * 20]
    assert (
        stop([*burst, *later], steps=20, one_class=lambda step: probed.append(step) or True) is None
    )
    assert not probed


def test_other_losses_than_crossentropy_have_no_death():
    burst = [2.3, 50, 20, *[2.4] * 17]
    assert stop(burst + [2.3] * 40, steps=20, chance=None, one_class=lambda step: True) is None


@pytest.mark.parametrize("initial", (0.0, -2.0))
def test_a_loss_that_begins_at_or_below_zero_has_no_multiple(initial):
    assert stop([initial, *[5, 50, 500] * 20], steps=20, chance=None) is None
    assert stop([initial, NAN], steps=20, chance=None) is not None


def test_a_fine_tuned_network_may_become_worse_than_its_start():
    assert stop([0.01, *[6] * 80], steps=20) is None
    assert stop([0.01, *[6] * 80], steps=20, chance=None) is not None
    assert stop([0.01, *[7] * 80], steps=20) is not None


def test_clipped_crossentropies_of_many_classes_are_seen():
    """Three times log 1000 are 20.7; clipped probabilities never lose more than 16.1."""
    chance, worst = math.log(1000), -math.log(1e-7)
    assert stop([chance, *[worst] * 40], steps=20, chance=chance) is not None
    # penalties on the weights are no error
    assert stop([chance + 30, *[chance + 30] * 40], steps=20, chance=chance) is None


def test_the_mean_of_an_execution_counts_for_its_batches():
    detector = DivergenceDetector()
    detector.chance = LOG10
    for batch in (3, 7, 11):
        options = {"batch": batch, "steps": 16, "batches": 4, "one_class": lambda: False}
        assert detector.observe(9.0 if batch > 3 else 2.3, **options) is None
    assert detector.observe(9.0, **{**options, "batch": 15})


def test_a_detector_that_is_restored_goes_on_as_if_never_stopped():
    losses = [2.3, 50, 20, *[2.4] * 17, *[2.3] * 20]
    for cut in range(1, len(losses)):
        before, after = DivergenceDetector(), DivergenceDetector()
        assert stop(losses[:cut], steps=20, detector=before) is None
        after.set_state(json.loads(json.dumps(before.get_state(), allow_nan=False)))
        after.chance = LOG10
        found = None
        for step in range(cut, 40):
            found = after.observe(losses[step], batch=step % 20, steps=20, one_class=lambda: True)
            assert bool(found) == (step == 39)


def recorded():
    """What benchmarks/divergence.py recorded: (series, planted, ends 5 points above chance)."""
    for series in json.loads(gzip.decompress(SERIES.read_bytes()))["series"]:
        accuracy = series["accuracy"]
        learns = accuracy is not None and accuracy >= 1 / series["classes"] + 0.05
        yield series, series["rate"] not in (0.01, 0.001), learns


def read_as_keras_tells(losses, steps):
    """What is left of them in differences of a float32 mean over the epoch."""
    read, total, before = [], np.float32(0), 0.0
    for step, loss in enumerate(losses):
        count = step % steps + 1
        if count == 1:
            total, before = np.float32(0), 0.0
        total += np.float32(loss)
        read.append(float(total / np.float32(count)) * count - before)
        before += read[-1]
    return read


def replay(series):
    """Step of the stop, or None; step from which the loss was above the limit, or None."""
    steps, detector = series["steps"], DivergenceDetector()
    found = stop(
        read_as_keras_tells(series["losses"], steps),
        steps=steps,
        chance=math.log(series["classes"]),
        one_class=lambda step: series["one_class"][step // steps] != "0",
        detector=detector,
    )
    above = (step for step, loss in enumerate(series["losses"]) if not loss <= detector.limit)
    return found and found[0], next(above, None)


def test_no_recorded_training_that_learns_is_stopped():
    healthy = [series for series, planted, learns in recorded() if learns and not planted]
    assert len(healthy) >= 200
    assert not [series for series in healthy if replay(series)[0] is not None]


def test_recorded_divergences_are_stopped_within_an_epoch():
    """Before the end of the epoch after the one in which the limit was passed."""
    diverged = 0
    for series, planted, learns in recorded():
        stopped, passed = replay(series)
        if not planted or learns or passed is None:
            continue
        epoch = max(series["steps"], stretch_of(series["steps"]))  # of 9 steps: two are a stretch
        due = (passed // epoch + 2) * epoch
        if stopped is None and len(series["losses"]) < due:
            continue  # it passed the limit in the last epoch that was recorded
        diverged += 1
        assert stopped is not None and stopped < due, series
    assert diverged >= 40
