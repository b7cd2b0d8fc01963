"""The flag --size: height and width of images, the same in every script that has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sightkit._errors import SightkitError

LARGEST = 10_000
"""Of --size; larger images have more pixels than any that is decoded."""


@dataclass(frozen=True)
class SizeFlags:
    """The flag ``--size`` of a script whose images are resized.

    ``size`` is (height, width) once the values are checked, or empty where the script has no size
    of its own and none is given.

    Raises:
        SightkitError: not one or two whole numbers of 1 to 10,000.
    """

    size: tuple[int, ...] = field(default=(), kw_only=True)
    """Height and width of the images, pixels; one number for both."""

    def __post_init__(self) -> None:
        """Check the numbers; one of them, alone or in a tuple, is both."""
        given = (self.size,) if isinstance(self.size, int) else tuple(self.size)
        valid = all(type(number) is int and 1 <= number <= LARGEST for number in given)
        if not valid or len(given) > 2 or (not given and type(self).size):
            raise SightkitError(
                f"--size must be height and width, 1 to {LARGEST} pixels, or one number for both.",
                "Give --size 64, or --size 32 160.",
                size=self.size,
            )
        object.__setattr__(self, "size", given * 2 if len(given) == 1 else given)

    @property
    def height(self) -> int:
        """Height of the images, pixels."""
        return self.size[0]

    @property
    def width(self) -> int:
        """Width of the images, pixels."""
        return self.size[1]
