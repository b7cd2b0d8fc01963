"""Start Keras quietly. Standard library only until ``start_keras`` is called."""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import IO, Any

from sightkit._errors import SightkitError
from sightkit._suggestions import refusing

BACKENDS = ("tensorflow", "jax")
REGISTERING = (
    "sightkit.zoo.activations",
    "sightkit.zoo.batch_normalization",
    "sightkit.zoo.initializers",
    "sightkit.zoo.local_response_normalization",
    "sightkit.zoo.unpooling",
    "sightkit.callbacks.schedules",
)
"""Modules with classes that are registered with Keras, so that it loads what it has saved.

They import none of each other, directly or not: one of them may be the first to import Keras.
"""

MALLOC = {-4: 0, -1: -1, -8: 1}
"""M_MMAP_MAX: no mappings; M_TRIM_THRESHOLD: no trimming; M_ARENA_MAX: one arena, the only one
that can hold arrays above 64 MiB without a mapping. As in glibc's malloc.h."""


def prepare_environment() -> None:
    """Set what TensorFlow and HDF5 read when they are imported; what the user has set stays.

    HDF5 needs no locks: all that is written is under a lock of ours, and some disks have none.
    """
    os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(os.sched_getaffinity(0))))
    os.environ.setdefault("MPLBACKEND", "agg")


def reuse_freed_memory() -> None:
    """Have glibc serve large arrays from memory that was freed, not from new pages.

    By default malloc maps each array above 32 MiB anew and gives it back when it is freed. A step
    of a training allocates the same arrays again and again: on a virtual machine, where a new page
    is dear, that took half of SRCNN's time. Memory that was freed stays with the process. Where the
    user has set MALLOC_… of glibc, or the C library is another, nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith("MALLOC_") for name in os.environ):
        return
    for parameter, value in MALLOC.items():
        mallopt(parameter, value)


def start_keras(connect: Callable[[], object] | None = None) -> None:
    """Import Keras and start its backend without TensorFlow's start-up lines on stderr.

    They are written by C++ before its log level is read, so that no setting silences them. If the
    import fails, all that was written is shown. Call it first in a notebook, before
    anything that imports Keras.

    Args:
        connect: called once Keras is imported and before it computes anything, to connect this
            process with others.

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
    reuse_freed_memory()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            import keras

            if connect:
                connect()
            keras.ops.zeros(())
            logging.getLogger("tensorflow").addFilter(_is_no_false_alarm)
        except ModuleNotFoundError as error:
            if error.name not in (*BACKENDS, "torch", "openvino"):  # what keras.json may name
                _show(held, terminal)
                raise
            raise SightkitError(
                "The backend that Keras is set to must be installed.",
                f"Install it, or set KERAS_BACKEND={BACKENDS[0]}.",
                backend=error.name,
            ) from error
        except KeyboardInterrupt:
            raise
        except BaseException:
            _show(held, terminal)
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    """Return False for TensorFlow's warning of frequent tracing.

    It counts by place in the code: the first call of the fifth network is warned of.
    """
    return "triggered tf.function retracing" not in record.getMessage()


def _show(held: IO[bytes], terminal: int) -> None:
    held.seek(0)
    os.write(terminal, held.read())


def follow_keras() -> None:
    """Have Keras know what sightkit registers, as soon as both are imported."""
    if "keras" in sys.modules:
        _complete()
    else:
        sys.meta_path.insert(0, _KerasFinder)


class _KerasFinder:
    """Finds Keras as the finders after it do, and completes it once it is imported."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not cls)
        spec = next(filter(None, (f.find_spec(name, path, target) for f in others)), None)
        loader: Any = getattr(spec, "loader", None)
        if loader is not None:
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if module.__name__ == name and cls in sys.meta_path:  # a loader may have others
                    sys.meta_path.remove(cls)
                    _complete()

            loader.exec_module = exec_module
        return spec


def _complete() -> None:
    for module in REGISTERING:
        importlib.import_module(module)
    optimizer: Any = sys.modules["keras"].optimizers.Optimizer
    optimizer.__init__ = refusing(optimizer.__init__, "Optimizer")
