"""Settings by facts about photos: each rule, and what is given."""

from __future__ import annotations

import dataclasses
from unittest import mock

import pytest

from sightkit import _scripts, zoo
from sightkit._errors import SightkitError
from sightkit.experiments import choices
from sightkit.experiments.choices import choose
from sightkit.experiments.flags.network import NetworkFlags
from sightkit.experiments.photo_facts import PhotoFacts

PETS = PhotoFacts({"cat": 600, "dog": 500}, train=770, height=320, width=427, alike=False)
DIGITS = PhotoFacts({str(k): 180 for k in range(10)}, train=1260, height=8, width=8, grey=True)
CIFAR = PhotoFacts({f"c {k}": 6000 for k in range(10)}, train=42_000, height=32, width=32)
MNIST = PhotoFacts({f"c {k}": 6000 for k in range(10)}, 42_000, 28, 28, grey=True)


def values(facts, network="minivggnet", **given):
    return {name: choice.value for name, choice in choose(facts, network, given).items()}


def with_classes(*names, **changes):
    return dataclasses.replace(PETS, counts=dict.fromkeys(names, 500), **changes)


@pytest.mark.parametrize(
    ("facts", "network", "size"),
    (
        (PETS, "minivggnet", (64, 64)),
        (PETS, "resnet20", (32, 32)),
        (PETS, "lenet", (28, 28)),
        (PETS, "lenet5", (32, 32)),
        (PETS, "vgg16", (224, 224)),
        (PETS, "inception_v3", (299, 299)),
        (CIFAR, "minivggnet", (32, 32)),
        (MNIST, "lenet", (28, 28)),
        (MNIST, "minivggnet", (28, 28)),
        (MNIST, "lenet5", (32, 32)),
        (DIGITS, "lenet", (28, 28)),
        (dataclasses.replace(PETS, height=100, width=120), "vgg16", (100, 100)),
        (dataclasses.replace(PETS, height=40, width=40), "inception_v3", (75, 75)),
        (dataclasses.replace(PETS, height=28, width=20, alike=True), "minivggnet", (28, 20)),
    ),
)
def test_size_is_near_the_published_one(facts, network, size):
    assert values(facts, network)["size"] == size


@pytest.mark.parametrize("network", ("lenet5", "minivggnet", "squeezenet"))
def test_a_network_is_built_for_its_smallest_side(network):
    side = choices.smallest_side(network)
    assert zoo.build(network, input_shape=(side, side, 3), classes=2)


@pytest.mark.parametrize("network", zoo.names("classifier"))
def test_every_classifier_has_choices(network):
    for facts in (PETS, CIFAR, MNIST, DIGITS):
        chosen = choose(facts, network)
        assert all(choice.reason for choice in chosen.values())
        assert max(chosen["size"].value) <= max(299, facts.height)
        assert set(choices.POLICIES) <= set(zoo.names("classifier"))


@pytest.mark.parametrize(
    ("facts", "flip"),
    (
        (PETS, True),
        (CIFAR, True),
        (DIGITS, False),
        (MNIST, False),
        (with_classes("A", "B"), False),
        (with_classes("turn left", "straight"), False),
        (with_classes("cleft", "bright"), True),
        (dataclasses.replace(PETS, grey=True), True),
    ),
)
def test_letters_and_sides_are_not_mirrored(facts, flip):
    assert values(facts)["flip"] is flip


@pytest.mark.parametrize(
    ("counts", "weights"),
    (
        ({"a": 200, "b": 100}, "balanced"),
        ({"a": 199, "b": 100}, "none"),
        ({"a": 10, "b": 0}, "none"),
    ),
)
def test_unequal_classes_are_balanced(counts, weights):
    assert values(dataclasses.replace(PETS, counts=counts))["class_weights"] == weights


def test_variation_follows_size_and_counts():
    assert values(DIGITS)["variation"] == "letters"
    assert values(CIFAR)["variation"] == "shifts"
    assert values(PETS)["variation"] == "usual"
    assert values(dataclasses.replace(PETS, train=70))["variation"] == "strong"


def test_batch_epochs_and_rate_belong_together():
    small, large = values(PETS), values(CIFAR)
    assert (small["batch_size"], small["epochs"], small["learning_rate"]) == (32, 100, 0.01)
    assert (large["batch_size"], large["epochs"], large["learning_rate"]) == (128, 86, 0.1)
    assert values(CIFAR, "vgg16", size=(224, 224))["batch_size"] == 32
    huge = dataclasses.replace(CIFAR, train=1_000_000)
    assert values(huge)["epochs"] == 15


def test_what_is_given_wins_and_others_follow():
    chosen = choose(PETS, "minivggnet", {"batch_size": 128, "epochs": 100})
    assert (chosen["batch_size"].value, chosen["learning_rate"].value) == (128, 0.04)
    assert (chosen["batch_size"].reason == "as given") and "steps" in chosen["epochs"].reason
    adam = values(PETS, optimizer="adam")
    assert adam["learning_rate"] == 1e-3 and "momentum" not in adam
    assert values(PETS, size=(16, 16))["variation"] == "shifts"
    assert values(PETS, "lenet", optimizer="sgd")["momentum"] == 0.9


def test_many_photos_are_trained_as_cifar10_is():
    many = values(CIFAR)
    assert (
        many["nesterov"] and many["rise"] == 0.03 and "initializer=he_normal" in many["arguments"]
    )
    assert not {"nesterov", "rise", "arguments"} & {*values(PETS)}
    assert "rise" not in values(CIFAR, schedule="step")
    assert not {"nesterov", "momentum", "rise"} & {*values(CIFAR, optimizer="adam")}
    assert "nesterov" not in values(CIFAR, "resnet20", momentum=0.0)


@pytest.mark.parametrize(
    ("network", "script", "facts"),
    (
        ("minivggnet", "train_minivggnet_cifar10", CIFAR),
        ("mlp", "train_mlp_cifar10", CIFAR),
        ("resnet20", "train_resnet20_cifar10", CIFAR),
        ("minigooglenet", "train_minigooglenet_cifar10", CIFAR),
        ("minivggnet", "train_minivggnet_flowers17", PETS),
    ),
)
def test_constants_are_those_of_the_scripts(network, script, facts, monkeypatch):
    module = _scripts.load(script)
    config, run = module.Config(), mock.MagicMock()
    monkeypatch.setattr(module.experiments, "start", lambda config, script: run)
    module.main(config)
    arguments = run.__enter__.return_value.network.call_args.kwargs
    schedule = {"schedule": config.schedule, "batch_size": config.batch_size}
    chosen = values(facts, network, **schedule)
    own = NetworkFlags(arguments=chosen.get("arguments", ())).builder_arguments
    own |= {"reg": chosen["reg"]} if "reg" in arguments else {}
    as_lists = {k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()}
    assert own == as_lists
    for name in ("optimizer", "learning_rate", "momentum", "nesterov", "rise", "mean"):
        assert chosen.get(name, getattr(config, name)) == getattr(config, name)


def test_few_steps_leave_normalization_out():
    assert values(PETS)["normalization"] is True
    assert values(PETS, epochs=2)["normalization"] is False
    assert "normalization" not in values(PETS, "resnet20")


def test_long_photos_are_not_cropped():
    assert values(PETS)["fit"] == "crop"
    assert values(dataclasses.replace(PETS, width=900))["fit"] == "stretch"
    assert values(dataclasses.replace(PETS, width=900), size=(32, 96))["fit"] == "crop"


def test_a_dataset_file_keeps_its_colours():
    assert "grey" not in values(dataclasses.replace(PETS, stored=True))
    assert values(MNIST)["grey"] is True
    assert values(MNIST, "shallownet")["mean"] == "none"
    assert values(PETS, "shallownet")["mean"] == "channel"


def test_an_unknown_network_names_near_ones():
    with pytest.raises(SightkitError, match="resnet20"):
        choose(PETS, "resnet_20")


@pytest.mark.parametrize("network", ("unet", "dcgan_generator", "fc_head", "srcnn"))
def test_what_is_no_classifier_is_refused(network):
    with pytest.raises(SightkitError, match="must be a classifier"):
        choose(PETS, network)
