"""Rows of the networks whose topology is taken from keras.applications.

Counts are those of keras.applications 3.15.1.
"""

from __future__ import annotations

from sightkit.zoo.row import SIDE_224, SIDE_299, classifier, shape

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
