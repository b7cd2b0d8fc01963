"""A first layer that whitens patches of the training images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError

EPSILON = 5e-4
"""Added to the eigenvalues, relative to the variance of a pixel."""


def initialize_whitening(
    network: keras.Model, images: np.ndarray, *, layer: str = "whitening"
) -> np.ndarray:
    """Give a convolution the eigenvectors of patches: what it answers has unit covariance.

    The k-th filter is the k-th eigenvector of the patches' second moments, divided by the root of
    its eigenvalue; the filters of the second half are those of the first, negated.

    Args:
        network: built; the layer has 2 · height · width · channels filters.
        images: as the network takes them, float32 (N, H, W, C); some thousands.
        layer: name of the convolution.

    Returns:
        Eigenvalues, the smallest first.

    Raises:
        SightkitError: a layer of another form, or images without any variation.

    Reference:
        Page, "How to train your ResNet 8: bag of tricks", 2019; Jordan, arXiv:2404.00498.
    """
    kernel: Any = network.get_layer(layer).kernel
    height, width, channels, filters = kernel.shape
    if filters != 2 * height * width * channels or images.shape[-1] != channels:
        raise SightkitError(
            "A whitening layer has two filters for each number of a patch.",
            f"Give it {2 * height * width * channels} filters, and images of {channels} channels.",
            filters=filters,
            images=images.shape,
        )
    windows = np.lib.stride_tricks.sliding_window_view(images, (height, width), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, filters // 2).astype(np.float64)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    variance = float(np.var(images, dtype=np.float64))
    if not variance > 0:
        raise SightkitError("The images must differ from a single value.", variance=variance)
    rows = (vectors / np.sqrt(values + EPSILON * variance)).T.reshape(-1, height, width, channels)
    kernel.assign(np.concatenate([rows, -rows]).transpose(1, 2, 3, 0))
    return values


def is_whitening(layer: keras.layers.Layer) -> bool:
    """Return whether a layer was given its weights by ``initialize_whitening``."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None or kernel.ndim != 4 or kernel.shape[-1] % 2:
        return False
    first, second = np.split(keras.ops.convert_to_numpy(kernel.value), 2, axis=-1)
    return bool(first.any()) and np.array_equal(second, -first)
