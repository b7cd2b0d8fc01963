"""Experiment scripts as modules: what search and ensembles call ``main(config)`` of.

Standard library and tyro only, as ``_cli``: wrong names and flags are told before Keras starts.
"""

from __future__ import annotations

import importlib.util
import logging
import shlex
import sys
from pathlib import Path
from typing import Any

from sightkit._errors import SightkitError

FIELDS = ("output", "epochs", "batch_size", "data", "seed", "resume", "overwrite", "smoke")
"""What the ``Config`` of a script that trains one network has, and others have not all of."""


def load(scripts: Path, name: str) -> Any:
    """An experiment's module: its ``Config`` and ``main``.

    Raises:
        SightkitError: no such script, or one that does not train one network.
    """
    path = scripts / f"{name}.py"
    if not path.is_file() or not name.startswith("train_"):
        raise _unknown(scripts, name)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for its annotations
    spec.loader.exec_module(module)
    fields = getattr(getattr(module, "Config", None), "__dataclass_fields__", {})
    if not set(FIELDS) <= set(fields):
        raise _unknown(scripts, name)
    return module


def parse_flags(script: Any, flags: str, *, smoke: bool = False) -> Any:
    """An experiment's configuration by flags as a shell reads them.

    Raises:
        SightkitError: a quotation that is not closed, or a value that the experiment refuses.
    """
    import tyro

    try:
        words = shlex.split(flags)
    except ValueError as error:
        raise SightkitError(
            f"--flags must be what a shell reads ({error}).", flags=flags
        ) from error
    if smoke:
        words.append("--smoke")
    return tyro.cli(script.Config, args=words, config=(tyro.conf.FlagCreatePairsOff,))


def expect_several_networks() -> None:
    """Keep TensorFlow from wondering, in a paragraph each time, that there is a new network."""
    logging.getLogger("tensorflow").addFilter(lambda told: "retracing" not in told.getMessage())


def _unknown(scripts: Path, name: str) -> SightkitError:
    known = sorted(
        path.stem
        for path in scripts.glob("train_*.py")
        if "training.fit(" in path.read_text(encoding="utf-8")
    )
    return SightkitError("The experiment must be a script.", f"Known: {known}.", experiment=name)
