"""The one door of every script: command line to ``Config``, errors to exit codes.

Standard library and tyro only, so that ``--help`` answers without Keras.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from sightkit._errors import EXIT_USER, Interrupted, SightkitError

ConfigType = TypeVar("ConfigType")


def run(main: Callable[[ConfigType], Any], config_type: type[ConfigType]) -> NoReturn:
    """Parse the command line into ``config_type``, call ``main``, exit with the documented code.

    Exit codes: 0 done; 2 the user must change something (one line on stderr); 130 or 143
    interrupted by SIGINT or SIGTERM after saving.
    """
    import tyro

    prepare_environment()
    try:
        config = tyro.cli(config_type, config=(tyro.conf.FlagCreatePairsOff,))
        main(config)
    except SightkitError as error:
        _stop(str(error), EXIT_USER)
    except Interrupted as error:
        print(error, file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        # Everything is saved. A regular exit now and then aborts: it stops threads inside C++.
        os._exit(error.exit_code)
    except ImportError as error:
        if not any(name in str(error) for name in ("libGL", "libgthread", "libglib")):
            raise
        _stop(
            f"OpenCV needs a system library ({error}). On Debian: apt-get install libgl1 "
            "libglib2.0-0; or, on a server: pip install opencv-python-headless.",
            EXIT_USER,
        )
    except KeyboardInterrupt:
        _stop("Interrupted. Every file is whole: as it was before, or new.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_USER)
    sys.exit(0)


def prepare_environment() -> None:
    """Settings that TensorFlow reads once, when it is imported; what the user has set stays."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(len(os.sched_getaffinity(0))))
    os.environ.setdefault("MPLBACKEND", "agg")


def start_keras() -> None:
    """Import Keras and start its backend without TensorFlow's start-up lines on stderr.

    They are written by C++ before its log level is read, so that no setting silences them. If the
    import fails, everything that was held back is shown.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            import keras

            keras.ops.zeros(())
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _stop(message: str, code: int) -> NoReturn:
    sys.stdout.flush()
    print(message, file=sys.stderr)
    sys.exit(code)
