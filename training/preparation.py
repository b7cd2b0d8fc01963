"""What must be set before a network is built."""

from __future__ import annotations

import keras

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def prepare(*, seed: int, precision: str = "float32") -> None:
    """Seed Python, NumPy and the backend, and set the arithmetic; call it before building.

    Determinism: on CPU, the same seed, versions and number of threads give bit-equal weights;
    other machines and devices differ in the last bits.

    Args:
        seed: of initial weights, dropout and everything else that Keras draws.
        precision: ``"float32"``, or ``"bfloat16"`` for bfloat16 arithmetic on float32 weights
            with a float32 softmax and loss.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(POLICIES[precision])
