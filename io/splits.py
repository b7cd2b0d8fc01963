"""Splits that are stratified, seeded and free of leaks."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.arguments import whole_number
from sightkit.io.labels import check_labels

SPLITS = ("train", "validation", "test")
FOUR_SPLITS = ("train", "train_validation", "validation", "test")


def split(
    labels: np.ndarray,
    fractions: Mapping[str, float],
    *,
    seed: int,
    groups: Sequence[bytes | int | str] | None = None,
    class_names: Sequence[str] | None = None,
) -> dict[str, np.ndarray]:
    """Divide samples into named splits, each class in the same proportions.

    Args:
        labels: integer (N,), class of each sample.
        fractions: share of each split, for example ``{"train": 0.7, "validation": 0.15,
            "test": 0.15}``; they add up to 1.
        seed: the same seed gives the same split on every machine.
        groups: a key for each sample; samples with equal keys (duplicates, frames of one film)
            stay together. A group of several classes is counted with the one that is in the
            fewest groups.
        class_names: in label order, for errors.

    Returns:
        For each split int64 indices into ``labels``, in random order.

    Raises:
        SightkitError: shares that do not add up, labels that are none, not a key for each sample,
            or a class that a split would miss.

    Example:
        >>> parts = split(np.array([0, 0, 1, 1]), {"train": 0.5, "test": 0.5}, seed=0)
        >>> {name: len(indices) for name, indices in parts.items()}
        {'train': 2, 'test': 2}
    """
    check_fractions(fractions)
    seed = whole_number("seed", seed, at_least=0)
    labels = check_labels(labels, np.iinfo(np.int64).max)
    if groups is not None and len(groups) != len(labels):
        raise SightkitError(
            "groups must hold a key for each sample.", groups=len(groups), labels=len(labels)
        )
    rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
    parts: dict[str, list[int]] = {name: [] for name in fractions}
    by_class, spread = _groups_by_class(labels, groups)
    for label, members in by_class.items():
        if spread[label] < len(fractions):
            raise _too_few(label, class_names, samples=spread[label], splits=list(fractions))
        _deal(members, fractions, rng, parts)
    for split, rows in parts.items():
        for label in sorted(set(by_class) - set(labels[rows].tolist())):
            raise _too_few(label, class_names, samples=spread[label], missing_in=split)
    return {name: rng.permutation(np.array(rows, np.int64)) for name, rows in parts.items()}


def check_fractions(fractions: Mapping[str, float]) -> None:
    """Raise unless shares are positive and add up to 1; NaN is no share."""
    shares = list(fractions.values())
    if not (all(share > 0 for share in shares) and abs(sum(shares) - 1) <= 1e-9):
        raise SightkitError(
            "The shares of a split must be positive and add up to 1.", fractions=dict(fractions)
        )


def shares_by_name(values: Sequence[float | str]) -> dict[str, float]:
    """Return the shares of splits as a flag gives them: name to share, without those of 0.

    Args:
        values: three numbers, of ``SPLITS`` in turn; four, of ``FOUR_SPLITS``; or texts
            ``"NAME=SHARE"``, train first.

    Raises:
        SightkitError: shares that do not add up to 1, train not first or without images, a name
            that occurs twice or is none.

    Example:
        >>> shares_by_name((0.8, 0, 0.2))
        {'train': 0.8, 'test': 0.2}
        >>> shares_by_name(("train=0.7", "calibration=0.1", "test=0.2"))
        {'train': 0.7, 'calibration': 0.1, 'test': 0.2}
    """
    texts = [text.partition("=") for text in values if isinstance(text, str)]
    pairs = [(name, share) for name, _, share in texts]
    if not pairs and len(values) in (len(SPLITS), len(FOUR_SPLITS)):
        parts = SPLITS if len(values) == len(SPLITS) else FOUR_SPLITS
        pairs = [(name, str(share)) for name, share in zip(parts, values, strict=True)]
    shares: dict[str, float] = {}
    with contextlib.suppress(ValueError):
        shares = {name: float(share) for name, share in pairs}
    train = shares.get(SPLITS[0], 0)
    named = all(name.isidentifier() for name in shares) and list(shares)[:1] == [SPLITS[0]]
    if not (
        named
        and len(shares) == len(values)
        and 0 < train < 1
        and min(shares.values()) >= 0
        and abs(sum(shares.values()) - 1) <= 1e-9
    ):
        raise SightkitError(
            "--fractions must be three shares, of train, validation and test, four with "
            "train_validation second, or NAME=SHARE for each split, train first; they add up to "
            "1, that of train above 0.",
            "Give --fractions 0.7 0.15 0.15, or 0.8 0 0.2 for two parts, which do for "
            "scripts/extract_features.py and train_logistic.py.",
            fractions=tuple(values),
        )
    return {name: share for name, share in shares.items() if share}


def _groups_by_class(
    labels: np.ndarray, groups: Sequence[bytes | int | str] | None
) -> tuple[dict[int, list[list[int]]], Counter[int]]:
    """For each class the sample indices of its groups; and in how many groups the class is."""
    together: dict[bytes | int | str, list[int]] = {}
    for index, key in enumerate(range(len(labels)) if groups is None else groups):
        together.setdefault(key, []).append(index)
    values = labels.tolist()
    classes = [sorted({values[member] for member in members}) for members in together.values()]
    spread = Counter(label for each in classes for label in each)
    by_class: dict[int, list[list[int]]] = {label: [] for label in sorted(spread)}
    for each, members in zip(classes, together.values(), strict=True):
        by_class[min(each, key=lambda label: spread[label])].append(members)
    return by_class, spread


def _deal(
    members: list[list[int]],
    fractions: Mapping[str, float],
    rng: np.random.Generator,
    parts: dict[str, list[int]],
) -> None:
    """Deal the groups of one class: always to the split that is furthest below its share."""
    total = sum(len(group) for group in members)
    missing = {name: share * total for name, share in fractions.items()}
    shuffled = [members[position] for position in rng.permutation(len(members))]
    for position, group in enumerate(sorted(shuffled, key=len, reverse=True)):
        empty = [name for name in missing if missing[name] == fractions[name] * total]
        must_fill = len(members) - position <= len(empty)
        name = max(empty if must_fill else missing, key=lambda candidate: missing[candidate])
        missing[name] -= len(group)
        parts[name].extend(group)


def _too_few(label: int, class_names: Sequence[str] | None, **received: object) -> SightkitError:
    name = str(label) if class_names is None else f"{label} ({class_names[label]})"
    return SightkitError(
        f"Class {name} has too few different samples for every split.",
        (
            "add images of it",
            "leave the class out by --exclude NAME",
            *(
                [
                    "make two parts by --fractions 0.8 0 0.2, which do for "
                    "scripts/extract_features.py and train_logistic.py (other training scripts "
                    "need three)"
                ]
                if received["samples"] == 2
                else ()
            ),
        ),
        **received,
    )
