"""Labels, loss and end: class weights, smoothing, images mixed with their labels, sigmoids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Flags

EndName = Literal["softmax", "sigmoid", "sigmoids"]


@dataclass(frozen=True, kw_only=True)
class LabelFlags(Flags):
    """How labels count in the loss, and the network's end that goes with it.

    Raises:
        SightkitError: a number out of range, two ways of mixing, or shares of classes for one
            sigmoid, which takes zeros and ones.
    """

    class_weights: Literal["none", "balanced"] = "none"
    """Weights of the classes in the loss; ``balanced``: every class counts the same, however many
    images it has."""
    label_smoothing: float = 0.0
    """Share of each label that is spread over all classes, 0.1 for example."""
    mixup: float = 0.0
    """Blend images, and their labels, in shares from Beta(A, A); 0.2 to 1 are usual, 0: do not."""
    cutmix: float = 0.0
    """Put a box of another image into each, and mix the labels by area; 1 is usual, 0: do not."""

    end: EndName = "softmax"
    """End of the network: a softmax; or, with binary cross-entropy, one sigmoid for two classes, or
    a sigmoid a class (``sigmoids``), each divided by their sum in report and bundle."""

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if self.class_weights not in ("none", "balanced"):
            raise SightkitError(
                "--class-weights must be none or balanced.", class_weights=self.class_weights
            )
        if not 0 <= self.label_smoothing < 1:
            raise SightkitError(
                "--label-smoothing must be from 0 to below 1.",
                "Give --label-smoothing 0.1, for example.",
                label_smoothing=self.label_smoothing,
            )
        if not (self.mixup >= 0 and self.cutmix >= 0):
            raise SightkitError(
                "--mixup and --cutmix must be at least 0.", mixup=self.mixup, cutmix=self.cutmix
            )
        if self.mixup and self.cutmix:
            raise SightkitError(
                "An image is mixed in one way, --mixup or --cutmix: give one.",
                mixup=self.mixup,
                cutmix=self.cutmix,
            )

        if self.end not in get_args(EndName):
            raise SightkitError("--end must be softmax, sigmoid or sigmoids.", end=self.end)
        if self.end == "sigmoid" and self.soft:
            raise SightkitError(
                "--label-smoothing, --mixup and --cutmix need an output for each class.",
                "Give --end sigmoids or softmax, or leave them out.",
                end=self.end,
            )

    @property
    def soft(self) -> bool:
        """Whether labels are rows, a share for each class, and no indices."""
        return bool(self.label_smoothing or self.mixup or self.cutmix or self.end == "sigmoids")


def make_labels(flags: LabelFlags, data: Any, classes: int, *, seed: int | None = None) -> Any:
    """Return data with the labels that ``loss_of`` takes.

    Args:
        flags: of the labels.
        data: batches with indices as labels.
        classes: their number.
        seed: of the mixing, for training data; without it nothing is mixed. Labels for validation
            are smoothed too: by another loss than the one that is trained on, the best epoch would
            be an early one, of answers that are less sure but no better.
    """
    from sightkit.training import CutMix, MixUp, SoftLabels

    if not flags.soft or isinstance(data, SoftLabels):
        return data
    if seed is None:
        return SoftLabels(data, classes, smoothing=flags.label_smoothing)
    mixing = MixUp(flags.mixup) if flags.mixup else CutMix(flags.cutmix) if flags.cutmix else None
    return SoftLabels(data, classes, mixing=mixing, smoothing=flags.label_smoothing, seed=seed)


def require_end(flags: LabelFlags, classes: int) -> None:
    """Raise for more classes than the network's end has answers for."""
    if flags.end == "sigmoid" and classes > 2:
        raise SightkitError(
            "--end sigmoid is for two classes.",
            "Leave --end out, or give --end sigmoids: a sigmoid a class.",
            end=flags.end,
            classes=classes,
        )


def loss_of(flags: LabelFlags) -> str:
    """Return the loss of a classifier."""
    if flags.end != "softmax":
        return "binary_crossentropy"
    return "categorical_crossentropy" if flags.soft else "sparse_categorical_crossentropy"
