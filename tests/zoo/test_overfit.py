"""Every form of classifier can learn: 20 real images by heart, without regularization.

Batch statistics are used for the accuracy too: with 20 images the moving ones are far behind.
"""

import inspect
import math

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_sample_images

from sightkit import zoo
from sightkit.zoo.registry import builder_of

IMAGES, CLASSES, STEPS = 20, 4, 300

# The smallest side each topology allows; 1 where it allows any, and then one that has a picture.
SIDES = {
    "lenet5": 32,
    "alexnet": 57,
    "alexnet_one_tower": 67,
    "alexnet_two_groups": 67,
    "alexnet_one_weird_trick": 63,
    "inception_v3": 75,
    "xception": 71,
    "squeezenet": 31,
    "squeezenet_1.0": 35,
    "squeezenet_1.1": 31,
    "vgg16": 32,
    "vgg19": 32,
    "surgery": 32,
    "googlenet": 32,
    "cifarnet": 32,
    "resnet50": 32,
    "resnet_imagenet": 32,
}
# SqueezeNet's ReLU on its logits dies on some seeds where the last map is 1x1 (25 % at seed 1).
LEAKY = {"initializer": "he_normal", "activation": ("leaky_relu", 0.1)}
# What the topology is given beside that, so that it trains in seconds.
OPTIONS = {
    "resnet_cifar": {"stages": (2, 2, 2)},
    "vgg16": {"initializer": "he_normal", "hidden": (64, 64)},
    "vgg19": {"initializer": "he_normal", "hidden": (64, 64)},
    "surgery": {"initializer": "he_normal", "base_arguments": {"initializer": "he_normal"}},
    "googlenet": {"initializer": "he_normal"},
    "alexnet": {"hidden": (256, 256)},
    "alexnet_one_tower": {"hidden": (256, 256), "initializer": "he_normal"},
    "alexnet_two_groups": {"hidden": (256, 256), "initializer": "he_normal"},
    "alexnet_one_weird_trick": {"hidden": (256, 256), "initializer": "he_normal"},
    "squeezenet": LEAKY,
    "squeezenet_1.0": LEAKY,
    "squeezenet_1.1": LEAKY,
}
# Deep chains of ReLUs without normalization die at Adam's usual 1e-3.
LEARNING_RATES = {
    "googlenet": 2e-4,
    "vgg16": 1e-4,
    "vgg19": 1e-4,
    "surgery": 1e-4,
}
QUICK = {"lenet", "lenet5", "mlp", "shallownet"}
LONG = {
    "alexnet_one_tower",
    "alexnet_one_weird_trick",
    "deepergooglenet",
    "googlenet",
    "inception_v3",
    "mobilenet_0.25",
    "mobilenetv2_0.35",
    "resnet50",
    "resnet_imagenet",
    "resnet_tiny_imagenet",
    "squeezenet",
    "squeezenet_1.0",
    "squeezenet_1.1",
    "surgery",
    "vgg16",
    "vgg19",
    "xception",
}


def side_of(name):
    return SIDES.get(name, 32 if name.startswith("mobilenet") else 8)


def digits(side):
    """Five of each of 0, 1, 2 and 3, enlarged by repetition and cut to ``side``."""
    data = load_digits()
    chosen = np.concatenate([np.flatnonzero(data.target == digit)[:5] for digit in range(CLASSES)])
    images = data.images[chosen].astype("float32") / 16
    times = math.ceil(side / 8)
    images = images.repeat(times, 1).repeat(times, 2)[:, :side, :side]
    return images[..., None], data.target[chosen]


def patches(side):
    """Five patches of each half of the two sample photos; each half is a class."""
    images, labels = [], []
    for photo, pixels in enumerate(load_sample_images().images):
        for half in (0, 1):
            for number in range(5):
                top, left = 80 * number, 320 * half + 50 * number
                images.append(pixels[top : top + side, left : left + side])
                labels.append(2 * photo + half)
    images = np.stack(images).astype("float32")
    return (images - images.mean()) / images.std(), np.array(labels)


def plain(name, side, channels):
    """The network with dropout and regularization off."""
    options = dict(OPTIONS.get(name, {}))
    parameters = inspect.signature(builder_of(name)).parameters
    options.update({key: 0.0 for key in ("dropout", "reg") if key in parameters})
    return zoo.build(name, input_shape=(side, side, channels), classes=CLASSES, **options)


@pytest.mark.slow
def test_twenty_images_by_heart(topology):
    keras.utils.set_random_seed(1)
    side = side_of(topology)
    images, labels = digits(side) if topology in ("mlp", "lenet", "lenet5") else patches(side)
    assert len(images) == IMAGES
    model = plain(topology, side, images.shape[-1])
    rate = LEARNING_RATES.get(topology, 1e-3)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    for step in range(STEPS):
        model.train_on_batch(images, labels)
        if step % 10 == 9:
            found = keras.ops.convert_to_numpy(model(images, training=True)).argmax(-1)
            if (found == labels).all():
                return
    pytest.fail(f"{(found == labels).mean():.0%} after {STEPS} steps")
