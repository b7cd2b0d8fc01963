"""The base of all flags: their defaults, those of a recipe, and flags that a choice reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from sightkit._errors import SightkitError, require_read

BEST = "best"
Recipes = Mapping[str, Mapping[str, Any]]
"""Names of recipes to flags with their values."""
Readers = Mapping[str, Sequence[str]]
"""A flag's values to the flags that each of them reads."""


@dataclass(frozen=True, kw_only=True)
class Flags:
    """Base of a theme's flags; each checks its own in ``__post_init__``, and calls the next."""

    recipes: ClassVar[Recipes] = {}
    """Name to flags with their values; ``best`` is the fields' own defaults."""

    choices: ClassVar[Mapping[str, Readers]] = {}
    """Flags that decide which others are read: their values to those flags."""

    recipe: str = BEST
    """Settings that are the defaults: ``best``, or those of the ``reference`` where it is known."""

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """Note which flags are given, since of a recipe the others are taken."""
        made = super().__new__(cls)
        if values or named:  # else of a copy
            ordered = [each.name for each in dataclasses.fields(cls) if not each.kw_only]
            made.__dict__["_given"] = {*named, *ordered[: len(values)]}
        return made

    def __post_init__(self) -> None:
        """Take the recipe's values of flags that are not given."""
        settings = self.settings_of(self.recipe)
        given = self.__dict__.pop("_given", settings)
        for name in settings.keys() - given:
            object.__setattr__(self, name, settings[name])

    @classmethod
    def settings_of(cls, recipe: str) -> dict[str, Any]:
        """Return the values of all flags that differ between recipes, those of one recipe.

        Raises:
            SightkitError: there is no such recipe.
        """
        if recipe not in (BEST, *cls.recipes):
            raise SightkitError(
                f"--recipe must be one of {', '.join((BEST, *cls.recipes))}.",
                "Take one of them, or leave it out.",
                recipe=recipe,
            )
        fields = cls.__dataclass_fields__
        named = dict.fromkeys(name for values in cls.recipes.values() for name in values)
        return {name: fields[name].default for name in named} | dict(cls.recipes.get(recipe, {}))

    def default_of(self, name: str) -> Any:
        """Return the default of a flag, that of the recipe where it has one."""
        own = {field.name: field.default for field in dataclasses.fields(self)}
        return {**own, **self.settings_of(self.recipe)}[name]

    def is_given(self, name: str) -> bool:
        """Return whether a flag has another value than by default."""
        return getattr(self, name) != self.default_of(name)

    def require_read(self, choice: str) -> None:
        """Raise where one of ``choices`` has a value that there is not, or reads no given flag."""
        require_read(self, choice, self.choices[choice], self.default_of)
