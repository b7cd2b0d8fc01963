"""Prediction in bare PyTorch, as its users write it well."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # in no environment of ours: gigabytes

from baselines.torch_network import Bare

ALL_THREADS = torch.get_num_threads()


def bare_torch(
    network: keras.Model,
    images: np.ndarray,
    batch: int,
    precision: str,
    threads: int | None = None,
) -> Callable[[], np.ndarray]:
    """Predict with PyTorch: evaluation mode, inference mode, channels last, autocast to bfloat16.

    Args:
        network: see ``torch_network.Bare``; MobileNetV2 and ResNet50 of ``keras.applications`` fit.
        images: (N, H, W, C) float32.
        batch: images at once.
        precision: ``"float32"`` or ``"bfloat16"``.
        threads: that PyTorch computes with; as many as it takes by itself if left out.
    """
    model = Bare(network).eval().to(memory_format=torch.channels_last)
    # (N, H, W, C) seen as (N, C, H, W) is channels last already.
    batches = torch.from_numpy(images).permute(0, 3, 1, 2).split(batch)
    threads = threads or ALL_THREADS

    def predict() -> np.ndarray:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
        ):
            return np.concatenate([model(part).float().numpy() for part in batches])

    return predict
