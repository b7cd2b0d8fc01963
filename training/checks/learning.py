"""Checks that a network can learn: initial loss, gradient flow, twenty samples by heart."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import keras
import numpy as np

from sightkit._errors import few
from sightkit._network import flat_layers
from sightkit.callbacks.dead_units import dead_units
from sightkit.training.checks.loss import BINARY, CROSSENTROPIES, REGRESSIONS
from sightkit.training.checks.network import Measured, Trial, last_with_kernel
from sightkit.training.checks.report import LeftOut, Line, failed, passed, warned
from sightkit.training.checks.samples import class_indices, have_one_class
from sightkit.training.whitening import is_whitening

# Over log C, in nats. Measured on 20 photos and eight seeds, 10 classes: without normalization at
# most 1.9 (ConvNet, He), with it 5.1 (ResNet20, whose logits read unpooled, normalized maps).
TOLERANCE, NORMALIZED_TOLERANCE = 3.0, 7.0
HOPELESS = 9.0
FAR = 25.0
"""Of a squared error: targets whose mean is five standard deviations from 0."""
FLAT = 1e-7
VANISHING = 1e-8
MOSTLY_DEAD = 0.9
# The last for ShallowNet on 256x256: two million inputs of its logits step at once.
RATES = (1e-3, 1e-4, 1e-5)
STEPS = 300
FEWEST_STEPS = 5
BEGINNING = 3
TRAINED = ("kernel", "depthwise_kernel", "gamma")
"""Weights that training changes: neither seeds nor statistics."""
TRACES = ("bias", "beta", "moving_mean")
"""What is zero until a layer is trained."""
INITIALIZATION = (
    'Look at the initializer first: "he_normal" before ReLUs, "glorot_uniform" else; or put '
    "batch normalization in."
)


def tolerated(model: keras.Model, uniform: float) -> float:
    """Return the highest initial loss that is no alarm."""
    normalized = any(
        isinstance(layer, keras.layers.BatchNormalization) for layer in flat_layers(model)
    )
    return uniform + (NORMALIZED_TOLERANCE if normalized else TOLERANCE)


def initial_loss(trial: Trial) -> Line:
    """Compare the first loss with log C, which it is exactly with the last kernel zeroed.

    Binary cross-entropy begins at log 2, however many outputs it is averaged over; a regression is
    compared with the loss of the targets' mean, for a squared error their variance.
    """
    loss = trial.first.loss
    if trial.loss.kind not in CROSSENTROPIES:
        if math.isfinite(loss):
            if trial.loss.kind in REGRESSIONS:
                return _against_the_mean(trial)
            return passed(f"{loss:.4g}; {trial.loss.kind} has no known start")
        return _exploded(f"it is {loss}")
    uniform = trial.loss.uniform
    if not math.isfinite(loss):
        return _exploded(f"it is {loss} instead of {uniform:.2f}")
    zeroed = trial.measure(trial.with_last_kernel_zeroed())
    exact = abs(zeroed.loss - uniform) < 0.01 * uniform
    text = f"{loss:.2f}, log {'2' if trial.loss.kind == BINARY else 'C'} is {uniform:.2f}"
    if not exact and np.ptp(zeroed.outputs) < FLAT:
        return failed(
            f"{text}; with the last kernel zeroed it is {zeroed.loss:.2f}: loss and labels do not "
            "agree",
            "Look at the loss and at the form of the labels.",
        )
    proof = " (exact with the last kernel zeroed)" if exact else ""
    if loss <= tolerated(trial.model, uniform):
        return passed(f"{text}{proof}")
    report = failed if loss > uniform + HOPELESS else warned
    return report(
        f"{text}{proof}: loss and labels agree, the network's first answers are far too sure; "
        "the initialization is the suspect",
        INITIALIZATION,
    )


def _against_the_mean(trial: Trial) -> Line:
    """Compare the first loss of a regression with that of the targets' mean as the only answer."""
    targets = np.asarray(trial.labels, np.float32).reshape(trial.first.outputs.shape)
    mean = np.broadcast_to(targets.mean(axis=0), targets.shape)
    constant = float(trial.loss.mean(targets, mean))
    text = f"{trial.first.loss:.4g}; the mean of the targets as only answer has {constant:.4g}"
    if trial.first.loss <= FAR * constant:
        return passed(text)
    return warned(
        f"{text}: targets or first answers are far from 0 for their spread",
        "Standardize the targets (subtract the mean of the training split, divide by its standard "
        "deviation), or look at the scale of the images.",
    )


def gradients(trial: Trial, more: np.ndarray) -> Line:
    """Check that every weight gets a gradient, now or soon, and none is frozen at random values.

    Args:
        trial: the network.
        more: images, for ReLUs that none wakes.
    """
    if not trial.trainable:
        return failed("no weight is trainable", "Set layer.trainable = True.")
    found = [keras.ops.convert_to_numpy(each) for each in trial.first.gradients]
    if not all(np.isfinite(each).all() for each in found):
        return _exploded("some are NaN or infinite")
    silent = [not each.any() for each in found]
    if any(silent):
        # Zeros behind a last kernel of zeros, or behind gammas of zeros, are gone after a step.
        for step, measured in enumerate(trial.steps(RATES[0])):
            found = [keras.ops.convert_to_numpy(each) for each in measured.gradients]
            if step == BEGINNING:
                break
        silent = [now and not each.any() for now, each in zip(silent, found, strict=True)]
    dead = dead_units(trial.model, more, batch_size=len(trial.images), training=True)
    if any(silent):
        return _silent(trial, silent, dead)
    killed = {layer: share for layer, share in dead.items() if share >= MOSTLY_DEAD}
    if killed:
        layer, share = next(iter(killed.items()))
        return warned(
            f"{100 * share:.0f} % of the ReLUs of {layer} answer no image: they are dead; the "
            "initialization (or a bias far below zero) is the suspect",
            INITIALIZATION,
        )
    random = _frozen_at_random(trial.model)
    if random:
        return warned(
            f"{few(random, 3)}: frozen with initial values, it will never learn",
            "Set layer.trainable = True, or load trained weights first.",
        )
    return _flowing(trial, found)


def overfit(trial: Trial, seconds: float) -> Line:
    """Learn some samples by heart, without dropout and penalties: a sound network can."""
    start = time.monotonic()
    trial.measure(trial.values())
    step_time = time.monotonic() - start
    if step_time * FEWEST_STEPS > seconds:
        raise LeftOut(f"{FEWEST_STEPS} steps of {step_time:.1f} s would take too long")
    truth = np.array(class_indices(trial.labels))
    classify = trial.loss.kind in CROSSENTROPIES and len(trial.loss.outputs) == 1
    classify = classify and have_one_class(trial.labels)
    floor = trial.loss.least(trial.labels)
    half = (trial.first.loss + floor) / 2
    losses: list[float] = []
    share, by_heart = 0.0, False
    for measured in _attempts(trial, start + seconds):
        losses.append(measured.loss)
        if classify:
            one = measured.outputs.shape[-1] == 1
            found = measured.outputs[:, 0] > 0.5 if one else measured.outputs.argmax(axis=-1)
            share = max(share, float((found == truth).mean()))
        by_heart = measured.loss < half and (share == 1.0 or not classify)
        if by_heart:
            break
    least, time_up = min(losses), time.monotonic() > start + seconds
    course = f"{len(truth)} samples, loss {losses[0]:.3g} → {least:.3g} in {len(losses)} steps"
    course += f" ({floor:.3g} at least, the entropy of the labels)" if floor > 0.005 else ""
    if by_heart:
        return passed(f"{course}, all of them right" if classify else course)
    course += f", {100 * share:.0f} % right" if classify else ""
    if least < half:  # slow learners (SqueezeNet's ReLU on its logits) too
        return passed(f"{course}{'; then the time was up' if time_up else ''}")
    if time_up:
        raise LeftOut(f"{course}; then the time was up: no verdict")
    if least - floor > 0.95 * (losses[0] - floor):
        return failed(
            f"{course}: the loss stays flat; the initialization is the suspect", INITIALIZATION
        )
    return warned(
        f"{course}: the network cannot learn them by heart",
        "Look whether images and labels belong together, then at activations and size.",
    )


def _attempts(trial: Trial, end: float) -> Iterator[Measured]:
    """Yield what is measured before each step, at one rate after the other, until the time is up.

    A rate that is too high for this network proves nothing: the next is lower.
    """
    first = trial.first.loss
    for rate in RATES:
        for step, measured in enumerate(trial.steps(rate)):
            yield measured
            if time.monotonic() > end:
                return
            if step == STEPS or (step > FEWEST_STEPS and not measured.loss < 2 * first):
                break


def _exploded(what: str) -> Line:
    return failed(f"{what}: activations explode; the initialization is the suspect", INITIALIZATION)


def _silent(trial: Trial, silent: list[bool], dead: dict[str, float]) -> Line:
    """Report weights without a gradient, and why."""
    names = [v.path for v, none in zip(trial.trainable, silent, strict=True) if none]
    text = f"{len(names)} of {len(silent)} weights get none ({few(names, 3)}): "
    zero = _zero_kernels(trial.model)
    killed = [layer for layer, share in dead.items() if share == 1.0]
    todo = INITIALIZATION
    if zero:
        text += f"the kernel of {zero[0]} is all zeros; the initialization is the suspect"
    elif killed:
        text += (
            f"every ReLU of {killed[0]} is dead, none answers an image; the initialization (or a "
            "bias far below zero) is the suspect"
        )
    elif np.ptp(trial.first.outputs, axis=0).max() < FLAT:
        text += "all images get one answer; the initialization is the suspect"
    else:
        text += "the loss does not depend on them"
        todo = "Look at how the layers are connected, and leave out those that are not."
    return failed(text, todo)


def _zero_kernels(model: keras.Model) -> list[str]:
    """Return layers whose kernel is all zeros, but the last: there zeros are a way to begin."""
    last = last_with_kernel(model)
    return [
        layer.name
        for layer in flat_layers(model)
        if layer is not last
        and getattr(layer, "kernel", None) is not None
        and not keras.ops.convert_to_numpy(layer.kernel.value).any()
    ]


def frozen(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers whose weights do not learn."""
    return [
        layer
        for layer in flat_layers(model)
        if not layer.trainable_variables
        and any(getattr(layer, name, None) is not None for name in TRAINED)
    ]


def _frozen_at_random(model: keras.Model) -> list[str]:
    """Return frozen layers, unless a bias, beta or moving mean shows that they were trained.

    A whitening layer is computed from images, and is none of them.
    """
    layers = [layer for layer in frozen(model) if not is_whitening(layer)]
    traces = [getattr(layer, name, None) for layer in layers for name in TRACES]
    if any(each is not None and keras.ops.convert_to_numpy(each.value).any() for each in traces):
        return []
    return [layer.name for layer in layers]


def _flowing(trial: Trial, found: list[np.ndarray]) -> Line:
    ratios = []
    for variable, gradient in zip(trial.trainable, found, strict=True):
        norm = float(np.linalg.norm(keras.ops.convert_to_numpy(variable.value)))
        if gradient.ndim >= 2:
            ratios.append((float(np.linalg.norm(gradient)) / max(norm, 1e-30), variable.path))
    if not ratios:
        return passed(f"all {len(found)} weights get one")
    least, most = min(ratios), max(ratios)
    ends = f"{least[0]:.0e} ({least[1]}) to {most[0]:.0e} ({most[1]})"
    text = f"all {len(found)} weights get one; relative to the weights {ends}"
    if least[0] < VANISHING:
        text += ": they vanish on their way; the initialization is the suspect"
        return warned(text, INITIALIZATION)
    return passed(text)
