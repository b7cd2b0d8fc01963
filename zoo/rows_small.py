"""Rows of the networks for images of 28 to 64 pixels."""

from __future__ import annotations

from sightkit.zoo.row import CIFAR, MNIST, TINY_IMAGENET, classifier, shape

SMALL = (
    classifier(
        "mlp",
        "mlp",
        "MLP",
        shape(4, 4, 1, classes=3, hidden=(8, 6)),
        (MNIST, 669_706, 0),
        ({**MNIST, "hidden": (256, 128), "activation": "sigmoid"}, 235_146, 0),
        ({**CIFAR, "hidden": (1024, 512), "activation": "sigmoid"}, 3_676_682, 0),
    ),
    classifier(
        "convnet",
        "convnet",
        "ConvNet",
        shape(8, 8, 3, classes=3, filters=(4, 8), hidden=(8,)),
        # MiniVGGNet without batch normalization, MiniAlexNet and LeNet are cases of the pattern.
        (CIFAR, 2_168_362, 0),
        (
            {**CIFAR, "filters": (16, 32, 64), "convolutions": 1, "kernel": 2, "hidden": (500,)},
            528_054,
            0,
        ),
        (
            {**MNIST, "filters": (20, 50), "convolutions": 1, "kernel": 5, "hidden": (500,)},
            1_256_080,
            0,
        ),
    ),
    classifier(
        "shallownet",
        "shallownet",
        "ShallowNet",
        shape(4, 4, 3, classes=3),
        (shape(32, 32, 3, classes=3), 99_203, 0),
        (CIFAR, 328_586, 0),
    ),
    classifier(
        "lenet",
        "lenet",
        "LeNet",
        shape(8, 8, 1, classes=3),
        (MNIST, 1_256_080, 0),
        (shape(28, 28, 1, classes=9), 1_255_579, 0),
        (shape(28, 28, 1, classes=2), 1_252_072, 0),
    ),
    classifier(
        "lenet5",
        "lenet5",
        "LeNet5",
        shape(28, 28, 1, classes=3, padding="same"),
        (shape(32, 32, 1, classes=10), 61_706, 0),
        ({**MNIST, "padding": "same"}, 61_706, 0),
    ),
    classifier(
        "minialexnet",
        "minialexnet",
        "MiniAlexNet",
        shape(8, 8, 3, classes=3),
        (CIFAR, 528_054, 0),
    ),
    classifier(
        "minivggnet",
        "minivggnet",
        "MiniVGGNet",
        shape(8, 8, 3, classes=3),
        (CIFAR, 2_171_178, 1_408),
        (shape(64, 64, 3, classes=17), 8_466_225, 1_408),
        ({**CIFAR, "normalization": None}, 2_168_362, 0),
    ),
    classifier(
        "minigooglenet",
        "minigooglenet",
        "MiniGoogLeNet",
        shape(8, 8, 3, classes=3),
        (CIFAR, 1_656_250, 3_424),
    ),
    classifier(
        "deepergooglenet",
        "deepergooglenet",
        "DeeperGoogLeNet",
        shape(16, 16, 3, classes=3),
        (TINY_IMAGENET, 3_667_976, 9_984),
    ),
    classifier(
        "resnet20",
        "resnet20",
        "ResNet20",
        shape(8, 8, 3, classes=3),
        (CIFAR, 274_442),
    ),
    classifier(
        "resnet_cifar",
        "resnet",
        "ResNet",
        shape(8, 8, 3, classes=3, stages=(2, 2, 2)),
        (CIFAR, 886_102, 12_230),
        ({**CIFAR, "faithful": True}, 886_102, 12_230),
        stages=(9, 9, 9),
        filters=(64, 64, 128, 256),
        stem="cifar",
    ),
    classifier(
        "resnet_tiny_imagenet",
        "resnet",
        "ResNet",
        shape(16, 16, 3, classes=3),
        (TINY_IMAGENET, 2_265_748, 13_702),
        stages=(3, 4, 6),
        filters=(64, 128, 256, 512),
        stem="tiny_imagenet",
    ),
)
