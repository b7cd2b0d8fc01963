"""Rows of the networks made for ImageNet, and of what is built on them."""

from __future__ import annotations

from sightkit.zoo.row import SIDE_224, SIDE_227, classifier, shape

IMAGENET = (
    classifier(
        "alexnet",
        "alexnet",
        "AlexNet",
        shape(57, 57, 3, classes=3, hidden=(32, 32)),
        (shape(227, 227, 3, classes=2), 58_327_810, 19_136),
        (SIDE_227, 62_416_616, 19_136),
    ),
    classifier(
        "alexnet_one_tower",
        "alexnet",
        "AlexNet",
        shape(67, 67, 3, classes=3, hidden=(32, 32)),
        (SIDE_227, 62_378_344, 0),
        first_padding="valid",
        normalization="local_response",
        initializer=("random_normal", 0.01),
        reg=0.0,
        dropout=(0.0, 0.0, 0.0, 0.5, 0.5),
    ),
    classifier(
        "alexnet_two_groups",
        "alexnet",
        "AlexNet",
        shape(67, 67, 3, classes=3, hidden=(32, 32)),
        (SIDE_227, 60_965_224, 0),
        first_padding="valid",
        groups=2,
        normalization="local_response",
        initializer=("random_normal", 0.01),
        reg=0.0,
        dropout=(0.0, 0.0, 0.0, 0.5, 0.5),
    ),
    classifier(
        "alexnet_one_weird_trick",
        "alexnet",
        "AlexNet",
        shape(63, 63, 3, classes=3, hidden=(32, 32)),
        (SIDE_224, 61_100_840, 0),
        filters=(64, 192, 384, 256, 256),
        first_padding=2,
        normalization=None,
        reg=0.0,
        dropout=(0.0, 0.0, 0.5, 0.5, 0.0),
    ),
    classifier(
        "vgg16",
        "vgg",
        "VGG16",
        shape(32, 32, 3, classes=3, hidden=(32, 32)),
        (SIDE_224, 138_357_544, 0),
        ({**SIDE_224, "include_top": False}, 14_714_688, 0),
    ),
    classifier(
        "vgg19",
        "vgg",
        "VGG19",
        shape(32, 32, 3, classes=3, hidden=(32, 32)),
        (SIDE_224, 143_667_240, 0),
    ),
    classifier(
        "googlenet",
        "googlenet",
        "GoogLeNet",
        shape(32, 32, 3, classes=3),
        (SIDE_224, 6_998_552, 0),
        # With both auxiliary heads, as Caffe's bvlc_googlenet trains it; derived by hand.
        ({**SIDE_224, "auxiliary_heads": True}, 13_378_280, 0),
    ),
    classifier(
        "resnet_imagenet",
        "resnet",
        "ResNet",
        shape(32, 32, 3, classes=3),
        (SIDE_224, 25_595_060, 45_574),
        stages=(3, 4, 6, 3),
        filters=(64, 256, 512, 1024, 2048),
        stem="imagenet",
    ),
    classifier(
        "resnet50",
        "resnet50",
        "ResNet50",
        shape(32, 32, 3, classes=3),
        (SIDE_224, 25_636_712, 53_120),
        (shape(224, 224, 3, classes=10), 23_608_202, 53_120),
    ),
    *(
        classifier(
            name,
            "squeezenet",
            "SqueezeNet",
            shape(35, 35, 3, classes=3),
            ({**SIDE_224, "input_shape": size}, count, 0),
            version=version,
        )
        for name, version, size, count in (
            ("squeezenet", "1.1", (224, 224, 3), 1_235_496),
            ("squeezenet_1.0", "1.0", (227, 227, 3), 1_248_424),
            ("squeezenet_1.1", "1.1", (224, 224, 3), 1_235_496),
        )
    ),
    classifier(
        "surgery",
        "surgery",
        "Surgery",
        shape(32, 32, 3, classes=3, hidden=(8,)),
        (shape(224, 224, 3, classes=17), 21_141_841, 0),
    ),
)
