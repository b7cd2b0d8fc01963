"""Groups of images that belong together: frames of one film, photos of one patient."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.io.sources.label_files import Files, with_header
from sightkit.io.sources.label_table import read_table

PREFIX = "prefix:"
FLAG = "Give --groups parent, --groups 'prefix:REGEX' or --groups FILE.csv"


@dataclass(frozen=True)
class Grouping:
    r"""A rule that names the group of each image; call it with the images' names.

    ================ ===========================================================================
    ``parent``       the folder that the image is in, with its path: ``benign/patient07``
    ``prefix:REGEX`` the part of the file's name, from its beginning, that a regular expression
                     matches, or its first group in parentheses: ``prefix:[^_]+`` for
                     ``p07_3.jpg``; an expression with a slash is matched against the path
    a table          CSV or JSON lines, an image a line: its path, or its name with or without the
                     ending, and its group; of more than two columns the one called ``group``
    ================ ===========================================================================

    Raises:
        SightkitError: none of these, an expression that is none, or a file that is no such table.
    """

    rule: str

    def __post_init__(self) -> None:
        """Check the rule before any work is done."""
        if self.rule.startswith(PREFIX):
            try:
                re.compile(self.rule.removeprefix(PREFIX))
            except re.error as error:
                raise SightkitError(
                    f"--groups prefix: takes a regular expression ({error}).",
                    "For example --groups 'prefix:[^_]+' for p07_3.jpg.",
                    groups=self.rule,
                ) from error
        elif self.rule != "parent":
            if not Path(self.rule).is_file():
                raise SightkitError(
                    "Groups are folders, beginnings of names, or a CSV file that exists.",
                    f"{FLAG}.",
                    groups=self.rule,
                )
            read_table(Path(self.rule), "groups")

    def __call__(self, names: Sequence[str]) -> list[str]:
        """Return the group of each image.

        Args:
            names: paths of the images below their folder, with ``/``.

        Raises:
            SightkitError: images without a group; their number and the first of them.
        """
        if self.rule == "parent":
            return [os.path.dirname(name) for name in names]
        if self.rule.startswith(PREFIX):
            found = [self._prefix(name) for name in names]
        else:
            found = self._from_table(names)
        without = [name for name, group in zip(names, found, strict=True) if not group]
        if without:
            raise SightkitError(
                f"Every image needs a group; {len(without):,} of {len(names):,} have none.",
                "Change the expression, or complete the file.",
                groups=self.rule,
                without=few(without),
            )
        return [str(group) for group in found]

    def to_config(self) -> str:
        """Describe the rule for a recipe: a file by its content."""
        if self.rule == "parent" or self.rule.startswith(PREFIX):
            return self.rule
        return f"csv:{_files.sha256(Path(self.rule))}"

    def _prefix(self, name: str) -> str | None:
        pattern = self.rule.removeprefix(PREFIX)
        match = re.match(pattern, name if "/" in pattern else os.path.basename(name))
        return match and (match[1] if match.re.groups else match[0])

    def _from_table(self, names: Sequence[str]) -> list[str | None]:
        files = Files(names)
        table = with_header(read_table(Path(self.rule), "groups"), files)
        columns, rows = table.names, table.rows
        at = max(range(len(columns)), key=lambda k: files.count(table.cells(k)))
        others = [k for k, name in enumerate(columns) if name.casefold() == "group" and k != at]
        others = others or [k for k in range(len(columns)) if k != at]
        if len(others) != 1:
            raise _no_table(self.rule, f"none of its columns {', '.join(columns)} is called group")
        place = files.find(row[at] for row in rows)
        if unused := sum(row[at] not in place for row in rows):
            warn(f"{unused:,} lines of {self.rule} name no image here.")
        groups: dict[str, str] = {}
        for row in rows:
            image, group = place.get(row[at], ""), row[others[0]]
            if groups.setdefault(image, group) != group and image:
                raise _no_table(self.rule, f"{image} has the groups {groups[image]} and {group}")
        return [groups.get(name) for name in names]


def joined(*keys: Sequence[Hashable]) -> np.ndarray:
    """Join samples that share a key in any of the lists; return the first of each one's like.

    Args:
        *keys: (N,) each.

    Returns:
        int64 (N,): samples with equal numbers belong together.

    Example:
        >>> joined([1, 2, 3, 1], ["a", "b", "b", "c"]).tolist()
        [0, 1, 1, 0]
    """
    first = list(range(len(keys[0])))

    def root(sample: int) -> int:
        while first[sample] != sample:
            first[sample] = first[first[sample]]
            sample = first[sample]
        return sample

    for each in keys:
        seen: dict[Hashable, int] = {}
        for sample, key in enumerate(each):
            one, other = sorted((root(sample), root(seen.setdefault(key, sample))))
            first[other] = one
    return np.array([root(sample) for sample in range(len(first))], np.int64)


def require_divisible(
    groups: Sequence[str], labels: np.ndarray, class_names: Sequence[str], parts: int
) -> None:
    """Raise unless each class has a group for each of so many parts.

    Args:
        groups: (N,), by name.
        labels: int64 (N,).
        class_names: in label order.
        parts: splits or folds.
    """
    of_class: dict[int, set[str]] = {}
    for label, group in zip(labels.tolist(), groups, strict=True):
        of_class.setdefault(label, set()).add(group)
    for label, own in sorted(of_class.items()):
        if len(own) == 1 and parts > 1:
            raise SightkitError(
                f"A group must be a part of its class; {min(own) or 'one group'} is all of class "
                f"{class_names[label]}.",
                "In CLASS/image.jpg the parent is the class itself: choose other groups, or leave "
                "--groups out.",
                images=int((labels == label).sum()),
            )
        if len(own) < parts:
            raise SightkitError(
                f"Class {class_names[label]} has {len(own)} groups, and each of {parts} parts "
                "needs one.",
                "Add images of other groups, choose smaller groups, or leave --groups out.",
                groups=few(sorted(own)),
            )


def report_ungrouped(names: Sequence[str], labels: np.ndarray) -> None:
    """Say on stderr if the images of each class lie in several folders: groups, perhaps."""
    folders = {(label, os.path.dirname(name)) for name, label in zip(names, labels, strict=True)}
    of_class = Counter(label for label, _ in folders)
    if min(of_class.values()) < 2 or len(names) < 2 * len(folders):
        return
    warn(
        f"The images of each class lie in several folders, {len(folders):,} in all, such as "
        f"{min(folder for _, folder in folders)}. If a folder is one subject or film, splits that "
        "share it flatter the result: give --groups parent."
    )


def _no_table(path: str, reason: str) -> SightkitError:
    return SightkitError(
        f"A table of groups has an image a line, with its group: {reason}.",
        "For example: image,group / a.jpg,patient 7.",
        path=path,
    )
