"""Checks before the first epoch: what would waste the training is reported before it begins."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Callable
from typing import Any

import keras

from sightkit._network import build, require_compiled
from sightkit.training.checks import disk as on_disk
from sightkit.training.checks import images as in_images
from sightkit.training.checks import labels as in_labels
from sightkit.training.checks import learning, overlap
from sightkit.training.checks.gradient_check import gradient_check
from sightkit.training.checks.loss import CROSSENTROPIES, LossInfo, loss_info
from sightkit.training.checks.network import Trial, without_dropout
from sightkit.training.checks.report import FAILED, WARNED, LeftOut, Line, Preflight
from sightkit.training.checks.samples import Samples, read, some
from sightkit.training.restore import restoring_random_state

SAMPLES = 20
FULL_SECONDS = 30.0
IMAGES = 100
"""Images for ReLUs that none wakes."""
OF_DATA = ("inputs", "channels", "labels", "balance")
"""Checks without which the network's are not made."""


def preflight(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    test: Any = None,
    run_folder: str | os.PathLike[str] | None = None,
    seconds: float = 8.0,
    full: bool = False,
) -> Preflight:
    """Check data, labels, network and disk before a training begins.

    ============= =============================================================================
    inputs        shape, NaN, pixels not scaled (0–255) or scaled twice, validation like training
    channels      channels last; red, green, blue in one order
    labels        form and range as loss and network take them; logits against probabilities;
                  of a regression finite targets that the network's end can reach
    balance       images of each class, score of always saying the largest, classes not
                  validated, and far too few photos for a network with random weights
    splits        the same image in two splits, by content
    initial loss  near log C (of sigmoids log 2); exactly that with the last kernel zeroed; of a
                  regression against the loss of the targets' mean, their variance
    gradients     every weight gets one; dead ReLUs; layers frozen at random values
    overfit       20 samples by heart
    differences   with ``full``: gradients against finite differences
    disk          room for checkpoints and bundle
    ============= =============================================================================

    Nothing is changed: the network's variables, its optimizer, metrics, seed generators, Python's
    and NumPy's random numbers and the epoch of the data are bit for bit what they were. Only a
    network that has not seen its input yet is built.

    Args:
        model: compiled.
        train: what ``fit`` trains on: batches (images, labels) by index.
        validation: the same, or a pair of arrays; None where there is none.
        test: the same; only its rows are compared with the others'.
        run_folder: where checkpoints will be written.
        seconds: after which the 20 samples are given up.
        full: compare gradients with finite differences too, for half a minute at most.

    Returns:
        The lines; ``print`` shows them. Checks that cannot be made are named with the reason.

    Raises:
        SightkitError: the network is not compiled.
    """
    require_compiled(model)
    start = time.monotonic()
    with restoring_random_state():
        samples = read(train)
    if samples is not None:
        build(model, samples.images)
    with restoring_random_state(), without_dropout(model):
        checks = _Checks(model, samples, None if validation is None else read(validation))
        checks.of_data(train, validation, test)
        checks.of_network(start + seconds)
        if full:
            end = time.monotonic() + FULL_SECONDS
            needs = (*OF_DATA, "gradients")
            checks.make("differences", lambda: gradient_check(checks.trial, end), needs)
        checks.make("disk", lambda: on_disk.disk(model, run_folder))
    return Preflight(tuple(checks.lines), tuple(checks.left_out), time.monotonic() - start)


class _Checks:
    """The checks in their order; what needs a check that failed is left out."""

    def __init__(
        self, model: keras.Model, train: Samples | None, validation: Samples | None
    ) -> None:
        self.model = model
        self.train = train
        self.validation = validation
        self.lines: list[Line] = []
        self.left_out: list[tuple[str, str]] = []

    def make(self, name: str, check: Callable[[], Line], needs: tuple[str, ...] = ()) -> None:
        """Make a check, or note why not."""
        broken = [line.name for line in self.lines if line.name in needs and line.verdict == FAILED]
        try:
            if broken:
                raise LeftOut(f"fix first: {', '.join(broken)}")
            self.lines.append(dataclasses.replace(check(), name=name))
        except LeftOut as reason:
            self.left_out.append((name, str(reason)))

    def of_data(self, train: Any, validation: Any, test: Any) -> None:
        """Check inputs, channels, labels, balance and splits."""
        other = self.validation
        self.make("inputs", lambda: in_images.inputs(self.model, self.samples, other))
        self.make(
            "channels",
            lambda: in_images.channels(self.model, self.samples, other),
            needs=("inputs",),
        )
        self.make("labels", lambda: in_labels.labels(self.loss, self.samples, other))
        self.make(
            "balance",
            lambda: in_labels.balance(
                self.loss, self.samples, other, pretrained=bool(learning.frozen(self.model))
            ),
            needs=("labels",),
        )
        read = (self.train, other)
        self.make("splits", lambda: overlap.splits(train, validation, test, read=read))

    def of_network(self, end: float) -> None:
        """Check initial loss, gradients and overfit."""
        needs = OF_DATA
        for name, check in (
            ("initial loss", lambda: learning.initial_loss(self.trial)),
            ("gradients", lambda: learning.gradients(self.trial, self.samples.images[:IMAGES])),
            ("overfit", lambda: learning.overfit(self.trial, end - time.monotonic())),
        ):
            self.make(name, check, needs)
            needs = (*needs, name)

    @functools.cached_property
    def loss(self) -> LossInfo:
        """The network's loss."""
        return loss_info(self.model, self.samples.images)

    @property
    def samples(self) -> Samples:
        """Samples of the training data."""
        if self.train is None:
            raise LeftOut("the training data are no batches by index, and no pair of arrays (x, y)")
        return self.train

    @functools.cached_property
    def trial(self) -> Trial:
        """The network with some samples; unscaled pixels fail where its loss shows the harm."""
        trial = Trial(self.model, self.loss, *some(self.samples, SAMPLES))
        raw = trial.loss.kind in CROSSENTROPIES and in_images.is_raw(self.model, trial.images)
        if raw and not trial.first.loss <= learning.tolerated(self.model, trial.loss.uniform):
            for index, line in enumerate(self.lines):
                if (line.name, line.verdict) == ("inputs", WARNED):
                    begins = f"the network begins with loss {trial.first.loss:.2f}"
                    found = f"{line.found}, and {begins} instead of {trial.loss.uniform:.2f}"
                    self.lines[index] = dataclasses.replace(line, verdict=FAILED, found=found)
                    raise LeftOut("fix first: inputs")
        return trial
