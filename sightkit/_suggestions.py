"""Suggestions for unknown names and arguments, in the error; nothing is an alias.

``with_suggestions`` is what every public class and function passes through (``_lazy.attach``).
Standard library only.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from sightkit._errors import SightkitError

if TYPE_CHECKING:
    import inspect

FILE = Path(__file__).with_name("suggestions.toml")
LONGEST = 40
"""Longer values are not repeated."""


@functools.cache
def suggestions() -> dict[str, dict[str, str]]:
    """Return what to write by owner and name, see ``suggestions.toml``; read when it is needed."""
    import tomllib

    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def with_suggestions(public: Any, name: str) -> Any:
    """Let errors of a class or function suggest what to write for arguments and attributes unknown.

    A class is changed in place and stays itself; a function is wrapped.
    """
    if isinstance(public, FunctionType):
        return _checked(public, (name,))
    if isinstance(public, type) and not issubclass(public, Exception):
        for method in ("__init__", "__call__"):
            own = vars(public).get(method)
            if isinstance(own, FunctionType) and not hasattr(own, "__wrapped__"):
                setattr(public, method, _checked(own, _owners(public)))
        if not hasattr(public, "__getattr__"):
            public.__getattr__ = _no_attribute
    return public


def refusing(function: Callable[..., Any], owner: str) -> Callable[..., Any]:
    """Let a function of another library refuse the arguments that are listed for their owner."""

    @functools.wraps(function)
    def refused(*args: Any, **kwargs: Any) -> Any:
        known = suggestions()[owner]
        if old := {name: value for name, value in kwargs.items() if name in known}:
            rule = f"Keras takes no {' and no '.join(old)} any more, and leaves it out or fails."
            steps = [
                f"Write {today}={_shown(old[name])}." if today.isidentifier() else today
                for name, today in known.items()
                if name in old
            ]
            raise SightkitError(rule, " ".join(steps), **old)
        return function(*args, **kwargs)

    return refused


def next_step(owners: Iterable[str], name: str, known: Iterable[str]) -> str:
    """Return what to write in place of a name: today's form, else the nearest of those known."""
    known = list(known)
    for owner in owners:
        today = suggestions().get(owner, {}).get(name, "")
        if today and (not today.isidentifier() or not known or today in known):
            return f"Write {today}." if today.isidentifier() else today
    spelled = {each.replace("_", "").lower(): each for each in known if not each.startswith("_")}
    found = difflib.get_close_matches(name.replace("_", "").lower(), spelled, n=3, cutoff=0.7)
    near = [spelled[each] for each in found]
    return f"Perhaps it is {' or '.join(near)}." if near else ""


def no_attribute(rule: str, owners: Iterable[str], name: str, known: Iterable[str]) -> str:
    """Return the message for an attribute that does not exist."""
    step = "" if name.startswith("_") else next_step(owners, name, known)
    return f"{rule}. {step}" if step else rule


def _no_attribute(self: Any, name: str) -> Any:
    cls = type(self)
    rule = f"{cls.__name__!r} object has no attribute {name!r}"
    raise AttributeError(no_attribute(rule, _owners(cls), name, dir(cls)))


def _owners(cls: type) -> tuple[str, ...]:
    return tuple(each.__name__ for each in cls.__mro__)


def _checked(function: Callable[..., Any], owners: tuple[str, ...]) -> Callable[..., Any]:
    """Answer a call with arguments that the function does not take."""

    @functools.wraps(function)
    def answered(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            import inspect

            signature = inspect.signature(function)
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise _refusal(function, signature, owners, args, kwargs, error) from None
            raise

    return answered


def _refusal(
    function: Callable[..., Any],
    signature: inspect.Signature,
    owners: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    error: TypeError,
) -> SightkitError:
    """Return today's call with all that was given and has a counterpart, and what has none."""
    own = {name: each for name, each in signature.parameters.items() if name != "self"}
    given: dict[str, Any] = {}
    answers: dict[str, list[str]] = {}
    for name, value in kwargs.items():
        today = name if name in own else _todays_name(owners, name, own)
        if today in own:
            given.setdefault(today, value)
        else:
            answers.setdefault(today or f"It takes {', '.join(own)}.", []).append(name)
    missing = re.findall(r"missing (?:a|\d+) required .*?'(\w+)'", str(error))
    for name in (*missing, "call"):
        if name not in given and (step := next_step(owners, name, ())):
            answers.setdefault(step, []).extend([name] * (name != "call"))
    own_args = args[1:] if "self" in signature.parameters else args
    stay = [f"{name}={_shown(value)}" for name, value in given.items()]
    needed = [each for name, each in list(own.items())[len(own_args) :] if name not in given]
    call = [_shown(value) for value in own_args[: len(own)]] + stay
    call += [_as_written(each) for each in needed if each.default is each.empty]
    steps = [f"{', '.join(who)}: {step}" if who else step for step, who in answers.items()]
    if any("call" in suggestions().get(owner, ()) for owner in owners):  # it says what the call is
        steps += [f"As before: {', '.join(stay)}."] if stay else []
    elif function.__name__ != "__call__":
        steps.insert(0, f"Write {owners[0]}({', '.join(call)}).")
    return SightkitError(f"{owners[0]}: {error}.", " ".join(steps))


def _todays_name(owners: Iterable[str], name: str, own: Iterable[str]) -> str:
    """Return what an argument is called today, else what to write instead; empty if unknown."""
    today = next_step(owners, name, own)
    word = re.fullmatch(r"(?:Write|Perhaps it is) (\w+)\.", today)
    return word[1] if word else today


def _as_written(parameter: inspect.Parameter) -> str:
    if parameter.kind is not parameter.KEYWORD_ONLY:
        return parameter.name
    empty = parameter.default is parameter.empty
    return f"{parameter.name}={'…' if empty else repr(parameter.default)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST and "\n" not in text else "…"
