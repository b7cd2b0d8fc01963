"""``--recipe`` and ``--config``: what the defaults of a command's flags are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightkit import _run_files
from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Flags
from sightkit.training.run_config import NOT_OF_THE_RUN, words_of
from sightkit.training.run_folder import read_config

OF_THE_FILE = ("format", "schema", "id", "experiment", "lengths")
"""Entries of config.json that are no flags."""


def with_defaults(config_type: type[Flags], words: Sequence[str]) -> list[str]:
    """Return a command's words after those of its ``--config`` and its ``--recipe``.

    Of a flag that occurs several times the last counts: the user's own come last.

    Raises:
        SightkitError: an unknown recipe, or a file that is no run of this experiment.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--recipe")
    parser.add_argument("--config", type=Path)
    try:
        chosen, _ = parser.parse_known_args(words)
    except argparse.ArgumentError:  # a flag without its value, which tyro reports
        return list(words)
    before: dict[str, Any] = {}
    if chosen.config is not None:
        before |= _flags_of_run(config_type, chosen.config)
    if chosen.recipe is not None:
        before |= config_type.settings_of(chosen.recipe)
    return [*words_of(before), *words]


def _flags_of_run(config_type: type[Flags], path: Path) -> dict[str, Any]:
    """Return the flags in a run's config.json."""
    if path.name != _run_files.CONFIG or not path.is_file():
        raise SightkitError(
            f"--config must name the {_run_files.CONFIG} of a run.",
            f"Give --config RUN/{_run_files.CONFIG}.",
            config=str(path),
        )
    found = read_config(path.parent)
    own = Path(getattr(sys.modules[config_type.__module__], "__file__", "")).stem
    if found["experiment"] != own:
        raise SightkitError(
            "--config must be of a run of this experiment.",
            f"Give it to {found['experiment']}, or name another one.",
            config=str(path),
            experiment=found["experiment"],
        )
    flags = {name: value for name, value in found.items() if name not in OF_THE_FILE}
    known = set(config_type.__dataclass_fields__) - set(NOT_OF_THE_RUN)
    several = {name: each if isinstance(each, list) else [each] for name, each in flags.items()}
    as_flags = [name for name, each in several.items() if any(str(v)[:1] == "-" for v in each)]
    if wrong := sorted({*flags} - known) or as_flags:  # a text that begins with - is a flag
        raise SightkitError(
            "--config must hold flags of this experiment, with their values, alone.",
            "It is another version's, or was edited: give the flags themselves.",
            config=str(path),
            wrong=wrong,
        )
    return {name: value for name, value in flags.items() if value is not None}
