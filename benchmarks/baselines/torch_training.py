"""A training step in bare PyTorch, as its users write it well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # in no environment of ours: gigabytes
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from baselines.torch_network import Bare

ALL_THREADS = torch.get_num_threads()


def torch_step(
    network: keras.Model,
    batch: tuple[np.ndarray, np.ndarray],
    precision: str,
    threads: int | None = None,
) -> Callable[[], float]:
    """A step on one batch: SGD with momentum, channels last, forward and loss under autocast.

    Args:
        network: compiled with SGD and momentum, whose rates are taken; see ``torch_network.Bare``.
            L2 on weights becomes weight decay, which is the same and cheaper.
        batch: images (N, H, W, C) float32, int (N,) classes.
        precision: ``"float32"`` or ``"bfloat16"``.
        threads: that PyTorch computes with; as many as it takes by itself if left out.

    Returns:
        A function that takes the step and returns the batch's cross-entropy, L2 left out.
    """
    model = Bare(network, logits=True).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        _groups(model, network),
        lr=float(network.optimizer.learning_rate),
        momentum=network.optimizer.momentum,
    )
    # (N, H, W, C) seen as (N, C, H, W) is channels last already.
    images = torch.from_numpy(batch[0]).permute(0, 3, 1, 2)
    classes = torch.from_numpy(batch[1].astype(np.int64))

    threads = threads or ALL_THREADS

    def step() -> float:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = functional.cross_entropy(model(images), classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _groups(model: torch.nn.Module, network: keras.Model) -> list[dict[str, Any]]:
    """Parameters with the weight decay that Keras' L2 amounts to: half of it is its derivative."""
    decayed = {
        2 * float(layer.kernel_regularizer.l2)
        for layer in network.layers
        if getattr(layer, "kernel_regularizer", None) is not None
    } or {0.0}
    (decay,) = decayed
    kernels = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim == 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": others}]
