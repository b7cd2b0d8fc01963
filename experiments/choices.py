"""The settings of a training on photos that no script knows, chosen by facts about them.

No Keras here, and nothing is read: the same facts give the same choices, so that a resume meets
them again. Constants are those of the scripts of scripts/ for the networks that they train.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.experiments.photo_facts import PhotoFacts


@dataclass(frozen=True)
class Policy:
    """How a network is trained.

    Attributes:
        optimizer: its name.
        rate: of ``sgd`` for 128 images a batch, and in proportion for others; else of every batch.
        reg: L2 of all kernels.
        steps: that the training should have.
        mean: whether colour photos lose their mean colour.
        normalized: whether it has batch normalization, and can do without.
        rise: share of the steps in which the rate rises; 0 for none.
        nesterov: whether ``sgd`` takes Nesterov's momentum.
        arguments: of the network's builder, as ``--arguments`` takes them.
    """

    optimizer: str = "adam"
    rate: float = 1e-3
    reg: float = 0.0
    steps: int = 14_000
    mean: bool = False
    normalized: bool = False
    rise: float = 0.0
    nesterov: bool = False
    arguments: tuple[str, ...] = ()


SLOW = Policy(rate=1e-4, steps=28_000)
POLICIES = {
    "lenet": Policy(steps=6_000),
    "lenet5": Policy(steps=6_000),
    "shallownet": Policy(mean=True),
    "minivggnet": Policy("sgd", 0.04, 5e-4, normalized=True),
    "minigooglenet": Policy("sgd", 0.01, steps=28_000, normalized=True),
    "resnet20": Policy("sgd", 0.1, 2.5e-4, 28_000, rise=0.03, nesterov=True),
    "resnet_cifar": Policy("sgd", 0.1, 5e-4, 28_000),
    "resnet_tiny_imagenet": Policy("sgd", 0.1, 5e-4, 28_000, mean=True),
    "deepergooglenet": Policy(reg=2e-4, steps=28_000, mean=True, normalized=True),
    "alexnet": Policy(reg=2e-4, steps=28_000, mean=True, normalized=True),
    # Deep, and without batch normalization: at 1e-3 Adam leaves them where they begin.
    **dict.fromkeys(("alexnet_one_tower", "alexnet_two_groups", "alexnet_one_weird_trick"), SLOW),
    **dict.fromkeys(("vgg16", "vgg19", "googlenet", "surgery"), SLOW),
    **dict.fromkeys(("squeezenet", "squeezenet_1.0", "squeezenet_1.1"), SLOW),
}
"""By the network's name; others are trained as ``Policy()``."""
MANY = 20_000
OF_MANY = {
    "minivggnet": Policy(
        *("sgd", 0.1, 5e-4, 28_000),
        normalized=True,
        rise=0.03,
        nesterov=True,
        arguments=(
            "norm_before_activation=true",
            "initializer=he_normal",
            "dropout=[0.05,0.1,0.5]",
        ),
    ),
    "minigooglenet": Policy(
        *("sgd", 0.1, 2.5e-4, 14_000), normalized=True, rise=0.03, nesterov=True
    ),
    "minialexnet": Policy(steps=35_000),
    "mlp": Policy(arguments=("normalization=batch", "hidden=[1024,512]")),
}
"""From so many training photos on, as the scripts for CIFAR-10 have it."""
EPOCHS = (15, 100)
BATCHES = ((4_000, 32), (20_000, 64), (math.inf, 128))
"""Training photos up to which a batch is that large."""
LARGE_SIDE, LARGE_BATCH = 128, 32
"""Images from that side on come in batches of at most so many."""
UNEQUAL = 2.0
"""The largest class is that many times the smallest: classes then count the same."""
NEAR = 1.25
"""Photos of one size, up to that many times the published one, keep their own."""
LETTER = 40
"""Grey images up to that side, pixels, are letters or digits most often."""
FEW_OF_A_CLASS = 100
SMALL_SIDE = 32
NORMALIZABLE_STEPS = 300
"""From then on the averages of batch normalization forget where they began: 0.99 ** 300 is 5 %."""
LONG = 2.0
"""Photos that are that many times as long as wide would lose half of them to a square."""
SIDES = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)

VARIATIONS: dict[str, dict[str, Any]] = {
    "letters": {"rotation": 10, "translation": 0.1, "zoom": 0.1},
    "shifts": {"translation": 0.1, "border": "reflect"},
    "usual": {"rotation": 15, "translation": 0.1, "zoom": 0.15},
    "strong": {"rotation": 30, "translation": 0.1, "shear": 12, "zoom": 0.2},
}
"""Arguments of ``Augment``, beside mirroring."""


@dataclass(frozen=True)
class Choice:
    """A flag's value, and why."""

    value: Any
    reason: str


def require_classifier(network: str) -> None:
    """Raise unless a name of the zoo is that of a classifier; near names are listed."""
    if zoo.entry(network).kind != "classifier":
        raise SightkitError(
            "--network must be a classifier.", "Give --network=resnet20.", network=network
        )


def choose(
    facts: PhotoFacts, network: str, given: Mapping[str, Any] | None = None
) -> dict[str, Choice]:
    """Choose the flags of a training.

    Args:
        facts: of the photos.
        network: a classifier's name in the zoo.
        given: flags that are set already, by name; the others are chosen to go with them.

    Returns:
        Flag to choice, in the order in which they are reported; a given value that would not have
        been chosen has the reason ``as given``.

    Raises:
        SightkitError: an unknown network, or one that is no classifier.
    """
    require_classifier(network)
    given = dict(given or {})
    policy = POLICIES.get(network, Policy())
    if facts.train >= MANY:
        policy = OF_MANY.get(network, policy)
    chosen: dict[str, Choice] = {}

    def take(name: str, value: Any, reason: str) -> Any:
        if name in given and given[name] != value:
            value, reason = given[name], "as given"
        chosen[name] = Choice(value, reason)
        return value

    size = take("size", *_size(facts, network)) or (facts.height, facts.width)
    take("fit", *_fit(facts, size))
    grey = facts.grey
    if not facts.stored:
        why = "all of the sampled photos are grey" if grey else "photos have colours"
        grey = take("grey", grey, why)
    mean = policy.mean and not grey
    why = "learns faster without it" if mean else "is trained without it in the scripts"
    take("mean", "channel" if mean else "none", f"the mean colour: {network} {why}")
    take("flip", *_flip(facts))
    take("variation", *_variation(facts, size))
    batch = take("batch_size", *_batch(facts, size))
    steps = math.ceil(facts.train / batch)
    epochs = take("epochs", *_epochs(policy, steps))
    known = network in {**POLICIES, **OF_MANY}
    about = f"as the scripts train {network}" if known else "needs the least tuning"
    optimizer = take("optimizer", policy.optimizer, about)
    normalized = policy.normalized
    if optimizer != policy.optimizer:
        policy = Policy("sgd", 0.04) if optimizer == "sgd" else Policy(optimizer)
    rate = policy.rate * (batch / 128 if optimizer == "sgd" else 1)
    of_batch = f" for batches of {batch}, in proportion to {policy.rate:g} for 128"
    take("learning_rate", float(f"{rate:.2g}"), optimizer + of_batch * (optimizer == "sgd"))
    momentum = optimizer == "sgd" and take("momentum", 0.9, "usual with sgd")
    if policy.nesterov and momentum:
        take("nesterov", True, about)
    schedule = take("schedule", "cosine", "falls to zero by the last epoch, nothing to tune")
    if policy.rise and schedule == "cosine":
        take("rise", policy.rise, "a warm-up for a rate as high as this")
    take("reg", policy.reg, f"L2 of the kernels, {about}" if policy.reg else f"no L2, {about}")
    if normalized:
        many = epochs * steps >= NORMALIZABLE_STEPS
        why = f"{epochs * steps:,} steps are {'enough' if many else 'too few'} for its averages"
        take("normalization", many, why)
    if policy.arguments:
        take("arguments", policy.arguments, f"{about} on {MANY:,} photos or more")
    take("class_weights", *_weights(facts.counts))
    return chosen


def _sides(network: str) -> list[int]:
    """Return sides of the images that a network was published for, ascending."""
    published = (entry[0] for entry in zoo.entry(network).published)
    plain = (each for each in published if {*each} == {"input_shape", "classes"})
    return sorted({max(each["input_shape"][:2]) for each in plain})


def smallest_side(network: str) -> int:
    """Return the side below which images make no sense, that of the zoo's sample, pixels."""
    sample = zoo.entry(network).sample
    as_padded = "padding" in sample  # other than by default, where it would be too small
    return _sides(network)[0] if as_padded else max(sample["input_shape"][:2])


def _size(facts: PhotoFacts, network: str) -> tuple[tuple[int, ...], str]:
    sides, short = _sides(network), min(facts.height, facts.width)
    smallest = smallest_side(network)
    named = f"{facts.width}x{facts.height}"
    near = max(facts.height, facts.width) <= NEAR * sides[0]
    if facts.alike and smallest <= short and near and (2 * short > sides[0] or sides[0] > 64):
        return (facts.height, facts.width), f"that of the photos, {named}"
    fitting = [side for side in sides if side <= short]
    if fitting:
        best = fitting[-1]
        return (best, best), f"{network} is published for {best}, photos are {named} in the median"
    if 2 * short <= sides[0] <= 64:
        side = sides[0]
        return (side, side), f"{network} is published for {side}; photos, {named}, are enlarged"
    side = max(short, smallest)
    why = f"photos are {named} in the median, {network} is published for {sides[0]}"
    return (side, side), why if side == short else f"the smallest for {network}; {why}"


def _fit(facts: PhotoFacts, size: Sequence[int]) -> tuple[str, str]:
    height, width = size if len(size) == 2 else (size[0],) * 2
    ratio = (facts.width / facts.height) / (width / height)
    if max(ratio, 1 / ratio) >= LONG:
        return "stretch", "the middle alone would lose half of a photo"
    return "crop", "the middle of a photo, in its own proportions"


def _flip(facts: PhotoFacts) -> tuple[bool, str]:
    names = [str(name) for name in facts.counts]
    if all(len(name) == 1 for name in names):
        return False, "classes are letters or digits by their names; --flip mirrors all the same"
    if sided := [name for name in names if SIDES.search(name)]:
        return False, f"the class {sided[0]} would be another in a mirror"
    if facts.grey and max(facts.height, facts.width) <= LETTER:
        return False, "small grey images are letters or digits most often; --flip where not"
    return True, "photos may be mirrored; --no-flip where left and right matter"


def _variation(facts: PhotoFacts, size: Sequence[int]) -> tuple[str, str]:
    small = facts.grey and max(facts.height, facts.width) <= LETTER
    if small or all(len(str(name)) == 1 for name in facts.counts):
        return "letters", "small turns and shifts, as for letters and digits"
    if max(size) <= SMALL_SIDE:
        return "shifts", f"images of {max(size)} pixels suffer from turns and zooms"
    total = sum(facts.counts.values())
    each = round(facts.train * min(facts.counts.values()) / total)
    if each < FEW_OF_A_CLASS:
        return "strong", f"a class has {each} training photos: under {FEW_OF_A_CLASS}"
    return "usual", f"a class has {each:,} training photos or more"


def _batch(facts: PhotoFacts, size: Sequence[int]) -> tuple[int, str]:
    batch = next(batch for most, batch in BATCHES if facts.train <= most)
    if max(size) >= LARGE_SIDE and batch > LARGE_BATCH:
        return LARGE_BATCH, f"images of {max(size)} pixels take much memory"
    return batch, f"{facts.train:,} training photos"


def _epochs(policy: Policy, steps: int) -> tuple[int, str]:
    wanted = math.ceil(policy.steps / steps)
    epochs = min(max(wanted, EPOCHS[0]), EPOCHS[1])
    bound = "" if epochs == wanted else f", in {EPOCHS[0]} to {EPOCHS[1]} epochs"
    return epochs, f"{epochs * steps:,} steps of {steps:,} an epoch; about {policy.steps:,}{bound}"


def _weights(counts: Mapping[str, int]) -> tuple[str, str]:
    most, fewest = (way(counts, key=lambda name: counts[name]) for way in (max, min))
    text = f"{most} has {counts[most]:,} photos, {fewest} {counts[fewest]:,}"
    if counts[most] == counts[fewest]:
        text = f"each class has {counts[most]:,} photos"
    if counts[most] >= UNEQUAL * counts[fewest] > 0:
        return "balanced", f"{text}: every class counts the same"
    return "none", text
