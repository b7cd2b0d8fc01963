"""The table of networks: an entry a name, and what contract tests need to try each of them.

No Keras here, so that names can be listed in a moment. Counts are those of the published network
(paper, book or reference implementation) unless a comment says otherwise, and are asserted by the
tests, which refuse an entry without one; those of keras.applications are of its version 3.15.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One name of the zoo.

    Attributes:
        name: what ``build`` and bundles call it.
        module: file in ``zoo/`` that holds the builder.
        builder: the builder's name, CamelCase.
        kind: what the network is for: ``classifier``, ``generator``, ``segmenter``, …
        variant: arguments that make this entry out of the builder.
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
) -> Entry:
    """An entry of kind ``classifier``."""
    return Entry(name, module, builder, "classifier", sample, published, variant)


MNIST = shape(28, 28, 1, classes=10)
CIFAR = shape(32, 32, 3, classes=10)
TINY_IMAGENET = shape(64, 64, 3, classes=200)
SIDE_224 = shape(224, 224, 3, classes=1000)
SIDE_227 = shape(227, 227, 3, classes=1000)
SIDE_299 = shape(299, 299, 3, classes=1000)

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

APPLICATIONS = (
    classifier(
        "inception_v3",
        "applications",
        "InceptionV3",
        shape(75, 75, 3, classes=3),
        (SIDE_299, 23_851_784, 34_432),
    ),
    classifier(
        "xception",
        "applications",
        "Xception",
        shape(71, 71, 3, classes=3),
        (SIDE_299, 22_910_480, 54_528),
    ),
    *(
        classifier(
            f"mobilenet_{alpha}",
            "applications",
            "MobileNet",
            shape(32, 32, 3, classes=3),
            (SIDE_224, count, fixed),
            alpha=alpha,
        )
        for alpha, count, fixed in (
            (0.25, 475_544, 5_472),
            (0.5, 1_342_536, 10_944),
            (0.75, 2_601_976, 16_416),
            (1.0, 4_253_864, 21_888),
        )
    ),
    *(
        classifier(
            f"mobilenetv2_{alpha}",
            "applications",
            "MobileNetV2",
            shape(32, 32, 3, classes=3),
            (SIDE_224, count, fixed),
            alpha=alpha,
        )
        for alpha, count, fixed in (
            (0.35, 1_691_208, 14_080),
            (0.5, 1_987_224, 18_544),
            (0.75, 2_663_064, 26_640),
            (1.0, 3_538_984, 34_112),
            (1.3, 5_431_048, 44_256),
            (1.4, 6_156_712, 47_936),
        )
    ),
)

OTHERS = (
    Entry(
        "fc_head",
        "fc_head",
        "FCHead",
        "head",
        shape(2, 2, 8, classes=3, hidden=(8,)),
        # 21,141,841 of VGG16 with this head, less VGG16's 14,714,688.
        ((shape(7, 7, 512, classes=17), 6_427_153, 0),),
    ),
    Entry(
        "fcn_head",
        "fcn_head",
        "FCNHead",
        "head",
        shape(2, 2, 8, classes=3, hidden=(8, 8), stride=4),
        # Derived: 7·7·512·4096 + 4096, 4096² + 4096, 4096·21 + 21, 64²·21².
        ((shape(7, 7, 512, classes=21), 121_438_229, 0),),
    ),
    Entry(
        "unet",
        "unet",
        "UNet",
        "segmenter",
        shape(16, 16, 1, classes=2, filters=(4, 8, 8)),
        ((shape(256, 256, 1, classes=2), 31_030_658, 0),),
    ),
    Entry(
        "srcnn",
        "srcnn",
        "SRCNN",
        "super_resolution",
        {"input_shape": (15, 15, 3)},
        (({"input_shape": (33, 33, 3)}, 20_099, 0),),
    ),
    Entry(
        "srcnn_paper",
        "srcnn",
        "SRCNN",
        "super_resolution",
        {"input_shape": (15, 15, 1)},
        (({"input_shape": (33, 33, 1)}, 8_129, 0),),
        variant={"initializer": ("random_normal", 0.001)},
    ),
    Entry(
        "dcgan_generator",
        "dcgan",
        "DCGANGenerator",
        "generator",
        {"output_shape": (8, 8, 1), "noise": 5, "hidden": 8, "filters": (8, 4)},
        (({"output_shape": (28, 28, 1)}, 1_727_233, 7_360),),
    ),
    Entry(
        "dcgan_discriminator",
        "dcgan",
        "DCGANDiscriminator",
        "discriminator",
        {"input_shape": (8, 8, 1), "hidden": 8},
        (({"input_shape": (28, 28, 1)}, 1_658_753, 0),),
    ),
)

ENTRIES: tuple[Entry, ...] = (*SMALL, *IMAGENET, *APPLICATIONS, *OTHERS)
