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


def network(
    builder: str,
    sample: Mapping[str, Any],
    *published: tuple[Any, ...],
    name: str = "",
    module: str = "",
    kind: str = "classifier",
    **variant: Any,
) -> Entry:
    """An entry; its name and its file are the builder's in small letters unless they are given."""
    small = builder.lower()
    return Entry(name or small, module or small, builder, kind, sample, published, variant)


MNIST = shape(28, 28, 1, classes=10)
CIFAR = shape(32, 32, 3, classes=10)
TINY_IMAGENET = shape(64, 64, 3, classes=200)
SIDE_224 = shape(224, 224, 3, classes=1000)
SIDE_227 = shape(227, 227, 3, classes=1000)
SIDE_299 = shape(299, 299, 3, classes=1000)
LENET_LIKE = {"convolutions": 1, "hidden": (500,)}
VGG_SAMPLE = shape(32, 32, 3, classes=3, hidden=(32, 32))

SMALL = (
    network(
        "MLP",
        shape(4, 4, 1, classes=3, hidden=(8, 6)),
        (MNIST, 669_706, 0),
        ({**MNIST, "hidden": (256, 128), "activation": "sigmoid"}, 235_146, 0),
        ({**CIFAR, "hidden": (1024, 512), "activation": "sigmoid"}, 3_676_682, 0),
    ),
    network(
        "ConvNet",
        shape(8, 8, 3, classes=3, filters=(4, 8), hidden=(8,)),
        # MiniVGGNet without batch normalization, MiniAlexNet and LeNet are cases of the pattern.
        (CIFAR, 2_168_362, 0),
        ({**CIFAR, **LENET_LIKE, "filters": (16, 32, 64), "kernel": 2}, 528_054, 0),
        ({**MNIST, **LENET_LIKE, "filters": (20, 50), "kernel": 5}, 1_256_080, 0),
    ),
    network(
        "ShallowNet",
        shape(4, 4, 3, classes=3),
        (shape(32, 32, 3, classes=3), 99_203, 0),
        (CIFAR, 328_586, 0),
    ),
    network(
        "LeNet",
        shape(8, 8, 1, classes=3),
        (MNIST, 1_256_080, 0),
        (shape(28, 28, 1, classes=9), 1_255_579, 0),
        (shape(28, 28, 1, classes=2), 1_252_072, 0),
    ),
    network(
        "LeNet5",
        shape(28, 28, 1, classes=3, padding="same"),
        (shape(32, 32, 1, classes=10), 61_706, 0),
        ({**MNIST, "padding": "same"}, 61_706, 0),
    ),
    network("MiniAlexNet", shape(8, 8, 3, classes=3), (CIFAR, 528_054, 0)),
    network(
        "MiniVGGNet",
        shape(8, 8, 3, classes=3),
        (CIFAR, 2_171_178, 1_408),
        (shape(64, 64, 3, classes=17), 8_466_225, 1_408),
        ({**CIFAR, "normalization": None}, 2_168_362, 0),
    ),
    network("CifarNet", shape(9, 9, 3, classes=3, filters=(4, 8, 8)), (CIFAR, 1_973_930, 2_592)),
    network("MiniGoogLeNet", shape(8, 8, 3, classes=3), (CIFAR, 1_656_250, 3_424)),
    network("DeeperGoogLeNet", shape(16, 16, 3, classes=3), (TINY_IMAGENET, 3_667_976, 9_984)),
    network("ResNet20", shape(8, 8, 3, classes=3), (CIFAR, 274_442)),
    network(
        "ResNet",
        shape(8, 8, 3, classes=3, stages=(2, 2, 2)),
        (CIFAR, 886_102, 12_230),
        ({**CIFAR, "faithful": True}, 886_102, 12_230),
        name="resnet_cifar",
        stages=(9, 9, 9),
        filters=(64, 64, 128, 256),
        stem="cifar",
    ),
    network(
        "ResNet",
        shape(16, 16, 3, classes=3),
        (TINY_IMAGENET, 2_265_748, 13_702),
        name="resnet_tiny_imagenet",
        stages=(3, 4, 6),
        filters=(64, 128, 256, 512),
        stem="tiny_imagenet",
    ),
)

PAPERS_ALEXNET = {
    "first_padding": "valid",
    "normalization": "local_response",
    "initializer": ("random_normal", 0.01),
    "reg": 0.0,
    "dropout": (0.0, 0.0, 0.0, 0.5, 0.5),
}

IMAGENET = (
    network(
        "AlexNet",
        shape(57, 57, 3, classes=3, hidden=(32, 32)),
        (shape(227, 227, 3, classes=2), 58_327_810, 19_136),
        (SIDE_227, 62_416_616, 19_136),
    ),
    *(
        network(
            "AlexNet",
            shape(67, 67, 3, classes=3, hidden=(32, 32)),
            (SIDE_227, count, 0),
            name=name,
            **variant,
            **PAPERS_ALEXNET,
        )
        for name, count, variant in (
            ("alexnet_one_tower", 62_378_344, {}),
            ("alexnet_two_groups", 60_965_224, {"groups": 2}),
        )
    ),
    network(
        "AlexNet",
        shape(63, 63, 3, classes=3, hidden=(32, 32)),
        (SIDE_224, 61_100_840, 0),
        name="alexnet_one_weird_trick",
        filters=(64, 192, 384, 256, 256),
        first_padding=2,
        normalization=None,
        reg=0.0,
        dropout=(0.0, 0.0, 0.5, 0.5, 0.0),
    ),
    network(
        "VGG16",
        VGG_SAMPLE,
        (SIDE_224, 138_357_544, 0),
        ({**SIDE_224, "include_top": False}, 14_714_688, 0),
        module="vgg",
    ),
    network("VGG19", VGG_SAMPLE, (SIDE_224, 143_667_240, 0), module="vgg"),
    network(
        "GoogLeNet",
        shape(32, 32, 3, classes=3),
        (SIDE_224, 6_998_552, 0),
        # With both auxiliary heads, as Caffe's bvlc_googlenet trains it; derived by hand.
        ({**SIDE_224, "auxiliary_heads": True}, 13_378_280, 0),
    ),
    network(
        "ResNet",
        shape(32, 32, 3, classes=3),
        (SIDE_224, 25_595_060, 45_574),
        name="resnet_imagenet",
        stages=(3, 4, 6, 3),
        filters=(64, 256, 512, 1024, 2048),
        stem="imagenet",
    ),
    *(
        network(
            "ResNet50",
            shape(32, 32, 3, classes=3),
            (SIDE_224, count, fixed),
            name=name,
            module="resnet50",
            blocks=blocks,
        )
        for name, blocks, count, fixed in (
            ("resnet101", (3, 4, 23, 3), 44_707_176, 105_344),
            ("resnet152", (3, 8, 36, 3), 60_419_944, 151_424),
        )
    ),
    network(
        "ResNet50",
        shape(32, 32, 3, classes=3),
        (SIDE_224, 25_636_712, 53_120),
        (shape(224, 224, 3, classes=10), 23_608_202, 53_120),
    ),
    *(
        network(
            "SqueezeNet",
            shape(35, 35, 3, classes=3),
            (published, count, 0),
            name=name,
            version=version,
        )
        for name, version, published, count in (
            ("squeezenet", "1.1", SIDE_224, 1_235_496),
            ("squeezenet_1.0", "1.0", SIDE_227, 1_248_424),
            ("squeezenet_1.1", "1.1", SIDE_224, 1_235_496),
        )
    ),
    network(
        "Surgery",
        shape(32, 32, 3, classes=3, hidden=(8,)),
        (shape(224, 224, 3, classes=17), 21_141_841, 0),
    ),
)

APPLICATIONS = (
    network(
        "InceptionV3",
        shape(75, 75, 3, classes=3),
        (SIDE_299, 23_851_784, 34_432),
        name="inception_v3",
        module="applications",
    ),
    network(
        "Xception",
        shape(71, 71, 3, classes=3),
        (SIDE_299, 22_910_480, 54_528),
        module="applications",
    ),
    *(
        network(
            builder,
            shape(32, 32, 3, classes=3),
            (SIDE_224, count, fixed),
            name=f"{builder.lower()}_{alpha}",
            module="applications",
            alpha=alpha,
        )
        for builder, alpha, count, fixed in (
            ("MobileNet", 0.25, 475_544, 5_472),
            ("MobileNet", 0.5, 1_342_536, 10_944),
            ("MobileNet", 0.75, 2_601_976, 16_416),
            ("MobileNet", 1.0, 4_253_864, 21_888),
            ("MobileNetV2", 0.35, 1_691_208, 14_080),
            ("MobileNetV2", 0.5, 1_987_224, 18_544),
            ("MobileNetV2", 0.75, 2_663_064, 26_640),
            ("MobileNetV2", 1.0, 3_538_984, 34_112),
            ("MobileNetV2", 1.3, 5_431_048, 44_256),
            ("MobileNetV2", 1.4, 6_156_712, 47_936),
        )
    ),
)

OTHERS = (
    network(
        "FCHead",
        shape(2, 2, 8, classes=3, hidden=(8,)),
        # 21,141,841 of VGG16 with this head, less VGG16's 14,714,688.
        (shape(7, 7, 512, classes=17), 6_427_153, 0),
        name="fc_head",
        module="fc_head",
        kind="head",
    ),
    network(
        "FCNHead",
        shape(2, 2, 8, classes=3, hidden=(8, 8), stride=4),
        # Derived: 7·7·512·4096 + 4096, 4096² + 4096, 4096·21 + 21, 64²·21².
        (shape(7, 7, 512, classes=21), 121_438_229, 0),
        name="fcn_head",
        module="fcn_head",
        kind="head",
    ),
    network(
        "UNet",
        shape(16, 16, 1, classes=2, filters=(4, 8, 8)),
        (shape(256, 256, 1, classes=2), 31_030_658, 0),
        kind="segmenter",
    ),
    network(
        "SRCNN",
        {"input_shape": (15, 15, 3)},
        ({"input_shape": (33, 33, 3)}, 20_099, 0),
        kind="super_resolution",
    ),
    network(
        "SRCNN",
        {"input_shape": (15, 15, 1)},
        ({"input_shape": (33, 33, 1)}, 8_129, 0),
        name="srcnn_paper",
        kind="super_resolution",
        initializer=("random_normal", 0.001),
    ),
    *(
        network(
            "SubPixel",
            {"input_shape": (15, 15, 1)},
            # Derived, of width w: 25w + w, thrice 9w² + w, 9w·f² + f², 25f²; fewer than SRCNN's.
            ({"input_shape": (30, 30, 1)}, parameters, 0),
            name=f"subpixel_x{factor}",
            kind="super_resolution",
            factor=factor,
            filters=(width,) * 4,
        )
        for factor, width, parameters in ((2, 16, 8_056), (3, 15, 7_959), (4, 13, 7_228))
    ),
    network(
        "DCGANGenerator",
        {"output_shape": (8, 8, 1), "noise": 5, "hidden": 8, "filters": (8, 4)},
        ({"output_shape": (28, 28, 1)}, 1_727_233, 7_360),
        name="dcgan_generator",
        module="dcgan",
        kind="generator",
    ),
    network(
        "DCGANDiscriminator",
        {"input_shape": (8, 8, 1), "hidden": 8},
        ({"input_shape": (28, 28, 1)}, 1_658_753, 0),
        name="dcgan_discriminator",
        module="dcgan",
        kind="discriminator",
    ),
)

ENTRIES: tuple[Entry, ...] = (*SMALL, *IMAGENET, *APPLICATIONS, *OTHERS)
