"""Seed and precision, set before a network is built."""

from __future__ import annotations

import keras

from sightkit import zoo
from sightkit._scripts import warn
from sightkit.inference.processor import NATIVE_BFLOAT16
from sightkit.training.environment import accelerators, processor_flags


def prepare(*, seed: int, precision: str = "float32") -> None:
    """Seed Python, NumPy and the backend, and set the arithmetic; call it before building.

    Determinism: on CPU, the same seed, versions and number of threads give bit-equal weights;
    other machines and devices differ in the last bits.

    Args:
        seed: of initial weights, dropout and everything else that Keras draws.
        precision: ``"float32"``, or ``"bfloat16"`` for bfloat16 arithmetic on float32 weights
            with a float32 softmax and loss; a warning on stderr where the processor has none.

    Raises:
        SightkitError: another precision.
    """
    policy = zoo.policy_of(precision)
    flags = set(processor_flags())  # empty where they are unknown
    slow = flags and not NATIVE_BFLOAT16 & flags and not accelerators()
    if precision == "bfloat16" and slow:
        warn(
            "This processor has no bfloat16 arithmetic: the training will be slower than with "
            "--precision=float32, and can end far worse (MNIST: 29.6 % in place of 99.1 %)."
        )
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
