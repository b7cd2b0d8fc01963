"""CTC's loss of probabilities, and the share of whole texts that are right, for ``compile``."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from sightkit.apps.captcha.text_answers import BLANK

LEAST = 1e-7
"""Probability below which a logarithm is cut off, as in Keras' own cross-entropies."""


def ctc_loss(targets: Any, probabilities: Any) -> Any:
    """CTC's negative log-likelihood of each text, of probabilities that ``CaptchaCTC`` gives."""
    return keras.losses.ctc(targets, ops.log(ops.maximum(probabilities, LEAST)))


def heads_right(targets: Any, probabilities: Any) -> Any:
    """1.0 where all characters of a text are right, of the probabilities of ``CaptchaHeads``."""
    best = ops.argmax(probabilities, axis=-1)
    return _none(ops.not_equal(best, ops.cast(targets, best.dtype)))


def ctc_right(targets: Any, probabilities: Any) -> Any:
    """1.0 where the best path's text is the target, of the probabilities of ``CaptchaCTC``."""
    best = ops.argmax(probabilities, axis=-1)
    targets = ops.cast(targets, best.dtype)
    before = ops.pad(best[:, :-1], ((0, 0), (1, 0)))  # blanks begin
    begins = ops.logical_and(ops.not_equal(best, BLANK), ops.not_equal(best, before))
    place = ops.cumsum(ops.cast(begins, "int32"), axis=-1) - 1
    place = ops.clip(place, 0, targets.shape[-1] - 1)
    other = ops.not_equal(ops.take_along_axis(targets, place, axis=-1), best)
    as_many = ops.equal(_count(begins), _count(ops.not_equal(targets, BLANK)))
    return _none(ops.logical_and(begins, other)) * ops.cast(as_many, "float32")


def _count(true: Any) -> Any:
    return ops.sum(ops.cast(true, "int32"), axis=-1)


def _none(true: Any) -> Any:
    """1.0 for each row without a True."""
    return ops.cast(ops.equal(_count(true), 0), "float32")
