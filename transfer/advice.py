"""How to reuse a network: the 2x2 table of data set size and similarity, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass

from sightkit._errors import SightkitError

LARGE = 1_000
"""Photos a class. Networks that begin at random want 1,000 to 5,000."""
SIMILAR = 0.5
"""``probe`` measures more for photos, less for faces, digits and microscopy."""
SOURCES = {
    "S1": "Rosebrock, Deep Learning for Computer Vision with Python, practitioner bundle, ch. 5",
    "S2": "Stanford CS231n, slides on transfer learning",
}


# Size and similarity to method, how, and reasons.
TABLE: dict[tuple[str, str], tuple[str, str, tuple[str, ...]]] = {
    ("small", "similar"): (
        "feature extraction",
        "a linear classifier on the network's last features",
        (
            "With few photos a network of millions of weights learns them by heart; a linear "
            "classifier does not (S1, S2).",
            "The network has seen photos like these: its last layers name what is on them.",
        ),
    ),
    ("small", "different"): (
        "features of earlier layers",
        "linear classifiers on the features of several layers; the best is taken",
        (
            "Too few photos to train a network, and its last layers name things that are not on "
            "them (S2: you are in trouble; try linear classifiers from different stages).",
            "Lower layers see edges and textures, which pictures of all kinds have (S1).",
        ),
    ),
    ("large", "similar"): (
        "fine-tuning",
        "a new head, then the last block at a small rate",
        (
            "Enough photos to adapt the layers that name things without learning them by heart "
            "(S1, S2: fine-tune a few layers).",
            "The lower layers are right already: leave them as they are.",
        ),
    ),
    ("large", "different"): (
        "fine-tuning of many layers, or training from scratch",
        "a new head, then all from an early block on; a network from scratch beside it",
        (
            "Enough photos to train a network from scratch, which S1 thinks the likelier end.",
            "Fine-tuning more layers begins better than random numbers do (S2), and is worth a "
            "try first (S1).",
        ),
    ),
}


@dataclass(frozen=True)
class Advice:
    """The result of ``advise``; ``print`` shows table, place and reasons.

    Attributes:
        method: what to do, in a few words.
        how: the same as a clause.
        reasons: sentences, with their sources in brackets.
        size: ``"small"`` or ``"large"``.
        kind: ``"similar"`` or ``"different"``.
        dataset_size: photos in all.
        classes: how many.
        similarity: 0 to 1.
    """

    method: str
    how: str
    reasons: tuple[str, ...]
    size: str
    kind: str
    dataset_size: int
    classes: int
    similarity: float

    def __str__(self) -> str:
        each = self.dataset_size / self.classes
        compared = "at least" if self.size == "large" else "fewer than"
        above = "at least" if self.kind == "similar" else "below"
        lines = [
            f"size        {self.size}: {self.dataset_size:,} photos of {self.classes:,} classes, "
            f"{each:,.0f} a class ({compared} {LARGE:,})",
            f"similarity  {self.kind}: {self.similarity:.2f} ({above} {SIMILAR})",
            "",
        ]
        for (size, kind), (method, how, _) in TABLE.items():
            mark = "→" if (size, kind) == (self.size, self.kind) else " "
            lines.append(f"{mark} {size}, {kind:<10} {method}: {how}")
        lines += ["", f"Advice: {self.method}.", *(f"  {reason}" for reason in self.reasons)]
        return "\n".join([*lines, *(f"  {key}: {text}." for key, text in SOURCES.items())])


def advise(dataset_size: int, similarity: float, *, classes: int = 2) -> Advice:
    """Advise to extract features, to fine-tune, or to train from scratch.

    ========= =============================== ======================================
    photos    similar to ImageNet's           different
    ========= =============================== ======================================
    few       features, linear classifier     features of earlier layers
    many      fine-tune the last block        fine-tune many layers, or from scratch
    ========= =============================== ======================================

    Few are less than 1,000 a class. The table is a rule of thumb: where both ways are cheap, try
    both and compare them on validation photos.

    Args:
        dataset_size: photos to learn from, in all.
        similarity: to what the network was trained on, 0 to 1; ``probe`` measures it.
        classes: how many there are.

    Returns:
        The advice, with reasons and sources.

    Raises:
        SightkitError: no photos, fewer than two classes, or a similarity outside 0 to 1.

    Example:
        >>> advise(359, 0.8, classes=3).method
        'feature extraction'
    """
    if dataset_size < 1 or classes < 2:
        raise SightkitError(
            "Advice is given on at least one photo and two classes.",
            dataset_size=dataset_size,
            classes=classes,
        )
    if not 0 <= similarity <= 1:
        raise SightkitError(
            "similarity must be between 0 and 1.",
            "transfer.probe measures it on photos.",
            similarity=similarity,
        )
    size = "large" if dataset_size >= LARGE * classes else "small"
    kind = "similar" if similarity >= SIMILAR else "different"
    return Advice(*TABLE[size, kind], size, kind, dataset_size, classes, similarity)
