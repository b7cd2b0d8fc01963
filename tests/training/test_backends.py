"""What speaks to the optimizer or to layers does the same on JAX."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
NAMES = ("gradient_noise", "weight_average", "lsuv", "phases")
CHOSEN = "goes_on or gets_the_average or numpy or epochs_continue"  # a few: JAX compiles long


@pytest.mark.faults
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_the_reference_tests_hold_on_jax():
    files = [str(FOLDER / f"test_{name}.py") for name in NAMES]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-k", CHOSEN, *files],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert "5 passed" in result.stdout
