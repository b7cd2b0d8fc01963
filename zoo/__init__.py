"""Networks: one architecture a file, each an uncompiled functional ``keras.Model``.

``names()`` and ``entry()`` need no Keras: a module is imported when its builder is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.zoo.registry import (
    BUILDERS,
    build,
    entry,
    names,
    origin,
    published_arguments,
    register,
)

if TYPE_CHECKING:
    from sightkit.zoo.alexnet import AlexNet
    from sightkit.zoo.applications import InceptionV3, MobileNet, MobileNetV2, Xception
    from sightkit.zoo.batch_normalization import BatchNormalization
    from sightkit.zoo.convnet import ConvNet
    from sightkit.zoo.dcgan import DCGANDiscriminator, DCGANGenerator
    from sightkit.zoo.deepergooglenet import DeeperGoogLeNet
    from sightkit.zoo.description import describe
    from sightkit.zoo.fc_head import FCHead
    from sightkit.zoo.fcn_head import FCNHead
    from sightkit.zoo.googlenet import GoogLeNet, without_auxiliary_heads
    from sightkit.zoo.lenet import LeNet
    from sightkit.zoo.lenet5 import LeNet5
    from sightkit.zoo.minialexnet import MiniAlexNet
    from sightkit.zoo.minigooglenet import MiniGoogLeNet
    from sightkit.zoo.minivggnet import MiniVGGNet
    from sightkit.zoo.mlp import MLP
    from sightkit.zoo.resnet import ResNet
    from sightkit.zoo.resnet20 import ResNet20
    from sightkit.zoo.resnet50 import ResNet50
    from sightkit.zoo.shallownet import ShallowNet
    from sightkit.zoo.squeezenet import SqueezeNet
    from sightkit.zoo.srcnn import SRCNN
    from sightkit.zoo.surgery import Surgery
    from sightkit.zoo.unet import UNet
    from sightkit.zoo.vgg import VGG16, VGG19
    from sightkit.zoo.weights import load_weights

__all__ = [
    "MLP",
    "SRCNN",
    "VGG16",
    "VGG19",
    "AlexNet",
    "BatchNormalization",
    "ConvNet",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DeeperGoogLeNet",
    "FCHead",
    "FCNHead",
    "GoogLeNet",
    "InceptionV3",
    "LeNet",
    "LeNet5",
    "MiniAlexNet",
    "MiniGoogLeNet",
    "MiniVGGNet",
    "MobileNet",
    "MobileNetV2",
    "ResNet",
    "ResNet20",
    "ResNet50",
    "ShallowNet",
    "SqueezeNet",
    "Surgery",
    "UNet",
    "Xception",
    "build",
    "describe",
    "entry",
    "load_weights",
    "names",
    "origin",
    "published_arguments",
    "register",
    "without_auxiliary_heads",
]

_MODULES = {
    **BUILDERS,
    "BatchNormalization": "batch_normalization",
    "describe": "description",
    "load_weights": "weights",
    "without_auxiliary_heads": "googlenet",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"sightkit.zoo.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sightkit.zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
