"""Experiment scripts as modules, whose ``main(config)`` search and ensembles call.

Standard library and tyro only: wrong names and flags are reported before Keras starts.
"""

from __future__ import annotations

import logging
import shlex
from types import ModuleType
from typing import Any

from sightkit import _scripts
from sightkit._errors import SightkitError
from sightkit.experiments.config import Config


def load_experiment(name: str) -> ModuleType:
    """Import an experiment by its name, or one of the user's own by its path (``mine/train_x.py``).

    Raises:
        SightkitError: no script has this name, or its ``Config`` is not an experiment's.
    """
    script = _scripts.load(name)
    config = getattr(script, "Config", None)
    if not (isinstance(config, type) and issubclass(config, Config)):
        raise SightkitError(
            "The experiment must be a script whose Config is an experiments.Config.",
            "Name one that trains a network, train_lenet_digits for example.",
            experiment=name,
        )
    return script


def parse_flags(script: ModuleType, flags: str, *, smoke: bool = False) -> Any:
    """Return an experiment's configuration by flags as a shell reads them.

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
    return tyro.cli(script.Config, args=getattr(script.Config, "with_defaults", list)(words))


def expect_several_networks() -> None:
    """Silence TensorFlow's paragraph about retracing for each new network."""
    logging.getLogger("tensorflow").addFilter(lambda entry: "retracing" not in entry.getMessage())
