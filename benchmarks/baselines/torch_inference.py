"""A network of ``keras.applications`` in bare PyTorch: its layers, its weights, channels last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # in no environment of ours: gigabytes
from torch import nn  # pyright: ignore[reportMissingImports]


def bare_torch(
    network: keras.Model, images: np.ndarray, batch: int, precision: str
) -> Callable[[], np.ndarray]:
    """Predict with PyTorch: evaluation mode, inference mode, channels last, autocast to bfloat16.

    Args:
        network: functional; of convolutions, batch normalization, ReLU, padding, pooling, sums and
            dense layers, as MobileNetV2 and ResNet50 are.
        images: (N, H, W, C) float32.
        batch: images at once.
        precision: ``"float32"`` or ``"bfloat16"``.
    """
    model = Bare(network).eval().to(memory_format=torch.channels_last)
    # (N, H, W, C) seen as (N, C, H, W) is channels last already.
    batches = torch.from_numpy(images).permute(0, 3, 1, 2).split(batch)

    def predict() -> np.ndarray:
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"),
        ):
            return np.concatenate([model(part).float().numpy() for part in batches])

    return predict


class Bare(nn.Module):
    """Modules in the order in which Keras runs the layers, and the earlier ones that each reads."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        entries = network.get_config()["layers"]
        places = {entry["name"]: place for place, entry in enumerate(entries)}
        layers = (network.get_layer(entry["name"]) for entry in entries)
        self.steps = nn.ModuleList(_module(layer) for layer in layers)
        self.reads = [[places[name] for name in _sources(entry)] for entry in entries]
        last = {place: step for step, reads in enumerate(self.reads) for place in reads}
        self.done = [[p for p in reads if last[p] == step] for step, reads in enumerate(self.reads)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, K)."""
        kept: dict[int, torch.Tensor] = {}
        for place, step in enumerate(self.steps):
            reads = [kept[read] for read in self.reads[place]] or [x]
            kept[place] = sum(reads[1:], reads[0]) if len(reads) > 1 else step(reads[0])
            for read in self.done[place]:  # nobody reads it later
                del kept[read]
        return kept[len(self.steps) - 1]


def _sources(entry: dict[str, Any]) -> list[str]:
    """Names of the layers that a layer reads."""
    (node,) = entry["inbound_nodes"] or [{"args": []}]
    tensors = [t for part in node["args"] for t in (part if isinstance(part, list) else [part])]
    return [tensor["config"]["keras_history"][0] for tensor in tensors]


def _module(layer: Any) -> nn.Module:
    kind = type(layer).__name__
    if kind in ("Conv2D", "DepthwiseConv2D"):
        return _convolution(layer, depthwise=kind == "DepthwiseConv2D")
    if kind == "BatchNormalization":
        return _normalization(layer)
    if kind == "Dense":
        return nn.Sequential(_dense(layer), nn.Softmax(1))
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = layer.padding
        return nn.ZeroPad2d((left, right, top, bottom))
    if kind == "MaxPooling2D":
        return nn.MaxPool2d(layer.pool_size, layer.strides)
    if kind == "GlobalAveragePooling2D":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kind == "ReLU":
        return nn.ReLU6(inplace=True) if layer.max_value == 6 else nn.ReLU(inplace=True)
    if kind == "Activation" and layer.activation is keras.activations.relu:
        return nn.ReLU(inplace=True)
    if kind in ("InputLayer", "Add"):
        return nn.Identity()
    raise ValueError(f"No module for a layer of kind {kind}.")


def _convolution(layer: Any, *, depthwise: bool) -> nn.Module:
    kernel, *bias = (torch.from_numpy(np.array(array)) for array in layer.get_weights())
    # Keras: (H, W, in, out), depthwise (H, W, in, 1); PyTorch: (out, in / groups, H, W).
    kernel = kernel.permute(2, 3, 0, 1) if depthwise else kernel.permute(3, 2, 0, 1)
    channels = len(kernel) if depthwise else kernel.shape[1]
    strides, size = layer.strides, kernel.shape[2:]
    module = nn.Conv2d(
        channels,
        len(kernel),
        tuple(size),
        stride=strides,
        groups=channels if depthwise else 1,
        padding=tuple(side // 2 for side in size) if layer.padding == "same" else 0,
        bias=bool(bias),
    )
    if layer.padding == "same" and max(strides) > 1:  # Keras pads one more below and at the right
        sides = [max(side - stride, 0) for side, stride in zip(size, strides, strict=True)]
        module.padding = (0, 0)
        high, wide = sides
        pad = nn.ZeroPad2d((wide // 2, wide - wide // 2, high // 2, high - high // 2))
        result: nn.Module = nn.Sequential(pad, module)
    else:
        result = module
    with torch.no_grad():
        module.weight.copy_(kernel)
        if bias and module.bias is not None:
            module.bias.copy_(bias[0])
    return result


def _normalization(layer: Any) -> nn.Module:
    gamma, beta, mean, variance = (torch.from_numpy(np.array(a)) for a in layer.get_weights())
    module = nn.BatchNorm2d(len(gamma), eps=layer.epsilon)
    module.load_state_dict(
        {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}, strict=False
    )
    return module


def _dense(layer: Any) -> nn.Module:
    kernel, bias = (torch.from_numpy(np.array(array)) for array in layer.get_weights())
    module = nn.Linear(*kernel.shape)
    module.load_state_dict({"weight": kernel.T, "bias": bias})
    return module
