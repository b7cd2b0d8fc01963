"""Run a script: command line to ``Config``, errors to exit codes.

Standard library and tyro only, so that ``--help`` answers without Keras.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import itertools
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from sightkit import _files, _scripts, _terminal
from sightkit._errors import (
    DEBUG,
    EXIT_USER,
    Interrupted,
    SightkitError,
    explained,
    require_numbers,
)
from sightkit._keras import prepare_environment, start_keras

__all__ = ["run", "start_keras"]

INTERRUPTED = "Interrupted. Every file is complete: the old one or the new one."
SMOKE = "Smoke run: very little data, cut short or made up; the result means nothing."

DEBUG_HELP = f"{DEBUG} shows, for an error, the traceback as well."

debug = False
"""Whether the traceback of an error is shown."""

ConfigType = TypeVar("ConfigType")


def run(main: Callable[[ConfigType], Any], config_type: type[ConfigType]) -> NoReturn:
    """Parse the command line into ``config_type``, call ``main``, exit with its ``exit_codes``."""
    with exit_codes():
        _require_folder()
        import tyro

        prepare_environment()
        fields = getattr(config_type, "__dataclass_fields__", ())
        _scripts.flags = frozenset(name.replace("_", "-") for name in fields)
        description = _scripts.as_given(main.__globals__["__doc__"] or "")  # of the script
        _join_lines_of_help()
        with _terminal.drawing():
            config = tyro.cli(
                config_type,
                prog=sys.argv[0] if _scripts.program() else None,
                description=f"{description}\n\n{DEBUG_HELP}",
                args=getattr(config_type, "with_defaults", list)(sys.argv[1:]),
                registry=_with_paths(),
            )
        config = _resolved(config)
        require_numbers(config)
        _files.flags.update(_paths_of(config))
        if (output := getattr(config, "output", None)) is not None:
            _files.require_place(output)
        if getattr(config, "smoke", False):
            print(SMOKE, file=sys.stderr)
        main(config)
        sys.stdout.flush()  # a full disk behind a pipe is an error here, and none at exit
    sys.exit(0)


def _join_lines_of_help() -> None:
    """Let tyro join the lines of a field's docstring: it takes an indented one for a new one."""
    from tyro import _strings

    joined = getattr(_strings, "remove_single_line_breaks", None)
    if joined is not None:
        _strings.remove_single_line_breaks = lambda text: joined(inspect.cleandoc(text))


def _with_paths() -> Any:
    """Return tyro's rules with one of ours: ``Path("")`` is this folder, which nobody has named."""
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec

    def path_of(words: list[str]) -> Path:
        if not words[0]:
            before = (flag for flag, word in itertools.pairwise(sys.argv) if not word)
            joined = (word for word in sys.argv if word.startswith("--") and word.endswith("="))
            raise SightkitError(
                "A path is empty.",
                "Set the variable of the shell that it comes from; this folder is named by a dot.",
                path="",
                after=next(itertools.chain(before, joined), ""),
            )
        return Path(words[0])

    registry = ConstructorRegistry()
    registry.primitive_rule(
        lambda info: (
            PrimitiveConstructorSpec(
                nargs=1,
                metavar="PATH",
                instance_from_str=path_of,
                is_instance=lambda value: isinstance(value, Path),
                str_from_instance=lambda path: [str(path)],
            )
            if info.type is Path
            else None
        )
    )
    return registry


def _paths_of(config: Any) -> dict[str, Any]:
    """The paths of a command by their flags; None where one is chosen later."""
    values = {f"--{name.replace('_', '-')}": value for name, value in vars(config).items()}
    return {flag: each for flag, each in values.items() if each is None or isinstance(each, Path)}


def _resolved(config: Any) -> Any:
    """Follow the links that paths of a command name: what is written takes their targets' place."""
    values = {name: value for name, value in vars(config).items() if isinstance(value, Path)}
    linked = {name: path.resolve() for name, path in values.items() if path.is_symlink()}
    return dataclasses.replace(config, **linked) if linked else config


def _require_folder() -> None:
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise SightkitError(
            "The current folder must exist; it was deleted or moved.", "Change into another."
        ) from error


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Exit with the documented code where the block ends with an error.

    Exit codes: 2 the user must change something (one line on stderr); 130 or 143 interrupted by
    SIGINT or SIGTERM after saving.
    """
    _scripts.command_line = True
    global debug
    debug = debug or DEBUG in sys.argv[1:]
    sys.argv[1:] = [word for word in sys.argv[1:] if word != DEBUG]
    _terminal.prepare()
    try:
        yield
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
        _stop(INTERRUPTED, 130)
    except BrokenPipeError:
        _terminal.discard(sys.stdout)
        sys.exit(EXIT_USER)
    except Exception as error:
        if debug:
            traceback.print_exc()
        _stop(str(explained(error, _existing(_files.flags))), EXIT_USER)


def _existing(paths: Mapping[str, Any]) -> dict[str, str]:
    """What of the command's paths exists, by the names of the flags: one of them may be damaged."""
    return {
        flag.strip("-").replace("-", "_"): str(path)
        for flag, path in paths.items()
        if path is not None and flag != "--output" and os.path.exists(path)
    }


def _stop(message: str, code: int) -> NoReturn:
    for stream, text in ((sys.stdout, ""), (sys.stderr, f"{message}\n")):
        try:
            stream.write(text)
            stream.flush()
        except OSError:  # a full disk behind it
            _terminal.discard(stream)
    sys.exit(code)


def _quiet_interrupt(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Ctrl-C while a script is still importing: one line, as later."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # a hook cannot choose the exit code otherwise
    sys.__excepthook__(kind, error, traceback)


sys.excepthook = _quiet_interrupt
