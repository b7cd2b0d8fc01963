"""Rows of heads, segmenters, generators and their like."""

from __future__ import annotations

from sightkit.zoo.row import Row, shape

OTHERS = (
    Row(
        "fc_head",
        "fc_head",
        "FCHead",
        "head",
        shape(2, 2, 8, classes=3, hidden=(8,)),
        # 21,141,841 of VGG16 with this head, less VGG16's 14,714,688.
        ((shape(7, 7, 512, classes=17), 6_427_153, 0),),
    ),
    Row(
        "fcn_head",
        "fcn_head",
        "FCNHead",
        "head",
        shape(2, 2, 8, classes=3, hidden=(8, 8), stride=4),
        # Derived: 7·7·512·4096 + 4096, 4096² + 4096, 4096·21 + 21, 64²·21².
        ((shape(7, 7, 512, classes=21), 121_438_229, 0),),
    ),
    Row(
        "unet",
        "unet",
        "UNet",
        "segmenter",
        shape(16, 16, 1, classes=2, filters=(4, 8, 8)),
        ((shape(256, 256, 1, classes=2), 31_030_658, 0),),
    ),
    Row(
        "srcnn",
        "srcnn",
        "SRCNN",
        "super_resolution",
        {"input_shape": (15, 15, 3)},
        (({"input_shape": (33, 33, 3)}, 20_099, 0),),
    ),
    Row(
        "srcnn_paper",
        "srcnn",
        "SRCNN",
        "super_resolution",
        {"input_shape": (15, 15, 1)},
        (({"input_shape": (33, 33, 1)}, 8_129, 0),),
        variant={"initializer": ("random_normal", 0.001)},
    ),
    Row(
        "dcgan_generator",
        "dcgan",
        "DCGANGenerator",
        "generator",
        {"output_shape": (8, 8, 1), "noise": 5, "hidden": 8, "filters": (8, 4)},
        (({"output_shape": (28, 28, 1)}, 1_727_233, 7_360),),
    ),
    Row(
        "dcgan_discriminator",
        "dcgan",
        "DCGANDiscriminator",
        "discriminator",
        {"input_shape": (8, 8, 1), "hidden": 8},
        (({"input_shape": (28, 28, 1)}, 1_658_753, 0),),
    ),
)
