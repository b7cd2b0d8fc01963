"""The recipe of a dataset file, as JSON: compared before the file is used again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.sources.image_source import ImageSource

SHOWN = 3
SHOWN_LENGTH = 40


class OtherRecipe(SightkitError):
    """A dataset file exists that was built otherwise; the caller's flags are the next step."""

    def __init__(self, rule: str, next_step: str, **received: object) -> None:
        super().__init__(rule, next_step, **received)
        self.rule, self.received = rule, received


def source_name(source: Callable[[], ImageSource]) -> Any:
    """Return the name of a source in the recipe; two that may differ must not share one."""
    if not isinstance(source, type):
        if callable(source) and callable(getattr(source, "to_config", None)):
            return source.to_config()  # type: ignore[attr-defined]
        name = getattr(source, "__qualname__", "")
        if name and "<" not in name and "." not in name:
            module = source.__module__
            if module == "__main__":  # every script is called that
                module = Path(getattr(sys.modules[module], "__file__", None) or module).stem
            if module.startswith("sightkit."):  # the public name, wherever its code is
                module = ".".join(module.split(".")[:2])
            return f"{module}.{name}"
    raise SightkitError(
        "A source must be a module-level function, or a callable object with to_config() -> JSON.",
        "A lambda, a method or a partial has no name that identifies it: define a function.",
        source=source,
    )


def as_json(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe as it will be read from a file."""
    try:
        return json.loads(_files.json_text(recipe, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise SightkitError(
            f"The configs of source and chain must be JSON ({error}).",
            "Return numbers, texts, lists and dicts from to_config().",
            source=recipe["source"],
        ) from error


def open_same(path: Path, recipe: dict[str, Any]) -> DatasetFile:
    """The dataset file, if it was built by that recipe.

    Raises:
        OtherRecipe: it was not; what differs is named, with what the file has and what is wanted.
    """
    file = DatasetFile.open(path)
    found = {key: file.recipe.get(key) for key in recipe}
    different = [key for key in recipe if found[key] != recipe[key]]
    if not different:
        return file
    rule = f"The dataset file was built by another recipe: {', '.join(different)} differ."
    if different == ["source"] and _one_kind(found["source"], recipe["source"]):
        rule = "The data are not (or no longer) those that the dataset file was built from."
    leaves = list(differences("", found, recipe))
    shown = [f"{name} {_short(old)}, now {_short(new)}" for name, old, new in leaves[:SHOWN]]
    more = [f"{len(leaves) - SHOWN} more"] if len(leaves) > SHOWN else []
    raise OtherRecipe(
        rule,
        "Name another file (--data), or delete this one: it is then built anew.",
        path=str(path),
        in_the_file="; ".join(shown + more),
    )


def _one_kind(found: Any, wanted: Any) -> bool:
    """Return True if two sources are the same reader of data that may differ."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return False
    return all(found.get(key) == wanted.get(key) for key in ("name", "layout", "at_least"))


def differences(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the innermost names at which two JSON values differ, with both values."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(key, old.get(key), new.get(key)) for key in {**old, **new}]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(str(place), *both) for place, both in enumerate(zip(old, new, strict=True))]
    else:
        yield name, old, new
        return
    for key, before, after in pairs:
        yield from differences(f"{name}.{key}" if name else key, before, after)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} items"
    text = str(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH // 4]}…"
