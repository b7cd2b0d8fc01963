"""Sources of pretrained weights, by name. No Keras here: names are listed in a moment."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightkit._errors import SightkitError

CROP = 0.875
"""Share of a photo's short side that the networks are shown, in the middle."""
KERNELS = "weights_tf_dim_ordering_tf_kernels"


@dataclass(frozen=True)
class Source:
    """The source of a network's weights.

    Attributes:
        application: function of keras.applications, or "" for SqueezeNet.
        side: width and height of the images it was trained on.
        caffe: BGR minus the mean, range about ±128; else RGB scaled to [-1, 1].
        file: weights with classifier, as they are called in KERAS_HOME/models.
        file_no_top: weights without.
        last_block: layer with which the last block begins: what fine-tuning unfreezes.
        options: further arguments of the function.
    """

    application: str
    side: int
    caffe: bool
    file: str
    file_no_top: str
    last_block: str
    options: dict[str, Any] = field(default_factory=dict)


MD5 = {
    f"vgg16_{KERNELS}.h5": "64373286793e3c8b2b4e3219cbf3544b",
    f"vgg16_{KERNELS}_notop.h5": "6d6bbae143d832006294945121d1f1fc",
    f"vgg19_{KERNELS}.h5": "cbe5617147190e668d6c5d5026f83318",
    f"vgg19_{KERNELS}_notop.h5": "253f8cb515780f3b799900260a226db6",
    f"resnet50_{KERNELS}.h5": "2cb95161c43110f7111970584f804107",
    f"resnet50_{KERNELS}_notop.h5": "4d473c1dd8becc155b73f8504c6f6626",
    f"inception_v3_{KERNELS}.h5": "9a0d58056eeedaa3f26cb7ebd46da564",
    f"inception_v3_{KERNELS}_notop.h5": "bcbd6486424b2319ff4ef7d526e38f63",
    f"xception_{KERNELS}.h5": "0a58e3b7378bc2990ea3b43d5981f1f6",
    f"xception_{KERNELS}_notop.h5": "b0042744bf5b25fce3cb969f33bebb97",
    f"squeezenet_{KERNELS}_notop.h5": "80b66c92d79d4310e07fb60a297bf0d1",
}
"""Of the published files, from the sources of keras.applications and the author of SqueezeNet's;
MobileNet's have none."""


def _kernels(stem: str) -> tuple[str, str]:
    return f"{stem}_{KERNELS}.h5", f"{stem}_{KERNELS}_notop.h5"


def _mobilenet(alpha: float, stem: str) -> Source:
    files = (f"mobilenet_{stem}_224_tf.h5", f"mobilenet_{stem}_224_tf_no_top.h5")
    return Source("MobileNet", 224, False, *files, "conv_dw_12", {"alpha": alpha})


def _mobilenetv2(alpha: float) -> Source:
    stem = f"mobilenet_v2_{KERNELS}_{alpha}_224"
    files = (f"{stem}.h5", f"{stem}_no_top.h5")
    return Source("MobileNetV2", 224, False, *files, "block_16_expand", {"alpha": alpha})


SOURCES = {
    "vgg16": Source("VGG16", 224, True, *_kernels("vgg16"), "block5_conv1"),
    "vgg19": Source("VGG19", 224, True, *_kernels("vgg19"), "block5_conv1"),
    "resnet50": Source("ResNet50", 224, True, *_kernels("resnet50"), "conv5_block1_1_conv"),
    "inception_v3": Source("InceptionV3", 299, False, *_kernels("inception_v3"), "mixed9"),
    "xception": Source("Xception", 299, False, *_kernels("xception"), "block14_sepconv1"),
    **{
        f"mobilenet_{alpha}": _mobilenet(alpha, stem)
        for alpha, stem in ((0.25, "2_5"), (0.5, "5_0"), (0.75, "7_5"), (1.0, "1_0"))
    },
    **{f"mobilenetv2_{alpha}": _mobilenetv2(alpha) for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)},
    "squeezenet": Source("", 227, True, *_kernels("squeezenet"), "fire9_squeeze1x1"),
}


def names() -> list[str]:
    """Return the names that ``pretrained`` knows, sorted."""
    return sorted(SOURCES)


def is_bundle(name: str | os.PathLike[str]) -> bool:
    """Return True if a network is named by the folder of its bundle."""
    text = os.fspath(name)
    return text not in SOURCES and (Path(text).is_dir() or os.sep in text)


def source_of(name: str) -> Source:
    """Return the source of a network's weights.

    Raises:
        SightkitError: no such name; the nearest ones are listed.
    """
    if name not in SOURCES:
        near = [known for known in names() if known.startswith(str(name))]
        near = near or difflib.get_close_matches(str(name), SOURCES, n=3, cutoff=0.4)
        raise SightkitError(
            "No pretrained network has that name.",
            f"Perhaps you meant {' or '.join(near)}." if near else f"Known: {', '.join(names())}.",
            name=name,
        )
    return SOURCES[name]
