"""What a row of the table of networks holds. No Keras here: listing names takes a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One name of the zoo.

    Attributes:
        name: what ``build`` and bundles call it.
        module: file in ``zoo/`` that holds the builder.
        builder: the builder's name, CamelCase.
        kind: what the network is for: ``classifier``, ``generator``, ``segmenter``, …
        variant: arguments that make this row out of the builder.
        sample: the smallest arguments that contract tests build it with.
        published: (arguments, parameters) or (arguments, parameters, not trained) from the source.
    """

    name: str
    module: str
    builder: str
    kind: str
    sample: Mapping[str, Any]
    published: tuple[tuple[Any, ...], ...]
    variant: Mapping[str, Any] = field(default_factory=dict)


def shape(*input_shape: int, classes: int, **options: Any) -> dict[str, Any]:
    """Builder arguments of a classifier or segmenter."""
    return {"input_shape": input_shape, "classes": classes, **options}


def classifier(
    name: str,
    module: str,
    builder: str,
    sample: Mapping[str, Any],
    *published: tuple[Any, ...],
    **variant: Any,
) -> Row:
    """A row of kind ``classifier``."""
    return Row(name, module, builder, "classifier", sample, published, variant)


MNIST = shape(28, 28, 1, classes=10)
CIFAR = shape(32, 32, 3, classes=10)
TINY_IMAGENET = shape(64, 64, 3, classes=200)
SIDE_224 = shape(224, 224, 3, classes=1000)
SIDE_227 = shape(227, 227, 3, classes=1000)
SIDE_299 = shape(299, 299, 3, classes=1000)
