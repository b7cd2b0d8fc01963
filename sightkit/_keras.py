"""Start Keras quietly. Standard library only until ``start_keras`` is called."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import IO

from sightkit._errors import SightkitError

BACKENDS = ("tensorflow", "jax")


def prepare_environment() -> None:
    """Set the variables that TensorFlow reads when it is imported; those the user has set stay."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(os.sched_getaffinity(0))))
    os.environ.setdefault("MPLBACKEND", "agg")


def start_keras() -> None:
    """Import Keras and start its backend without TensorFlow's start-up lines on stderr.

    They are written by C++ before its log level is read, so that no setting silences them. If the
    import fails, all that was written is shown. Call it first in a notebook, before
    anything that imports Keras.

    Raises:
        SightkitError: a backend that sightkit does not know, or one that is not installed.

    Example:
        >>> import sightkit
        >>> sightkit.start_keras()
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    backend = os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    if backend not in BACKENDS:
        raise SightkitError(
            f"sightkit runs on {' or '.join(BACKENDS)}.",
            "Unset KERAS_BACKEND, or set it to one of them.",
            KERAS_BACKEND=backend,
        )
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            import keras

            keras.ops.zeros(())
        except ModuleNotFoundError as error:
            if error.name not in (*BACKENDS, "torch", "openvino"):  # what keras.json may name
                _show(held, terminal)
                raise
            raise SightkitError(
                "The backend that Keras is set to must be installed.",
                f"Install it, or set KERAS_BACKEND={BACKENDS[0]}.",
                backend=error.name,
            ) from error
        except BaseException:
            _show(held, terminal)
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _show(held: IO[bytes], terminal: int) -> None:
    held.seek(0)
    os.write(terminal, held.read())
