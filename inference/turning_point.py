"""After how many images an engine has brought back what starting it costs."""

from __future__ import annotations

import keras


def turning_point(network: keras.Model) -> int:
    """Images."""
    return 1000
