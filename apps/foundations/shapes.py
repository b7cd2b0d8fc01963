"""Which shapes arrays must have: equal letters stand for equal sizes.

Formula: none. Test: tests/apps/foundations/test_shapes.py. Picture: none.
"""

from __future__ import annotations

from typing import Any

from sightkit._errors import SightkitError

REST = "..."
"""Any further dimensions, those of one array as those of the others."""
ADVICE = "Reshape or turn what differs; np.asarray makes an array of a list."


def check(next_step: str = ADVICE, /, **given: tuple[Any, str]) -> None:
    """Raise unless arrays have their shapes, ``check(x=(x, "N n"), weights=(weights, "n m"))``.

    A number among the letters is a size itself; ``...`` are any dimensions.
    """
    sizes: dict[str, Any] = {}
    for array, letters in given.values():
        names, shape = letters.split(), [*getattr(array, "shape", [None])]
        if REST in names and None not in shape and len(shape) >= len(names) - 1:
            at, count = names.index(REST), len(shape) - len(names) + 1
            shape[at : at + count] = [tuple(shape[at : at + count])]
        pairs = zip(names, shape, strict=False)
        known = [sizes.setdefault(name, int(name) if name.isdigit() else s) for name, s in pairs]
        if len(names) != len(shape) or known != shape or None in shape:
            wanted = (f"{name} ({each[1].replace(' ', ', ')})" for name, each in given.items())
            raise SightkitError(
                f"Equal letters must be equal sizes, of arrays {', '.join(wanted)}.",
                next_step,
                **{name: getattr(each[0], "shape", each[0]) for name, each in given.items()},
            )
