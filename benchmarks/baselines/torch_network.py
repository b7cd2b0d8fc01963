"""A functional Keras network in bare PyTorch: its layers and its weights, for channels last."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # in no environment of ours: gigabytes
from torch import nn  # pyright: ignore[reportMissingImports]


class Bare(nn.Module):
    """Modules in the order in which Keras runs the layers, and the earlier ones that each reads.

    Args:
        network: functional; of convolutions, dense layers, batch normalization, ReLU, softmax,
            padding, pooling, dropout, sums and concatenations.
        logits: leave a softmax at the end out, as PyTorch's cross-entropy wants it.
    """

    def __init__(self, network: keras.Model, *, logits: bool = False) -> None:
        super().__init__()
        entries = network.get_config()["layers"]
        places = {entry["name"]: place for place, entry in enumerate(entries)}
        layers = [network.get_layer(entry["name"]) for entry in entries]
        self.steps = nn.ModuleList(_module(layer) for layer in layers)
        if logits:
            self.steps[-1] = _without_softmax(layers[-1])
        self.joins = [type(layer).__name__ in JOINS for layer in layers]
        self.reads = [[places[name] for name in _sources(entry)] for entry in entries]
        last = {place: step for step, reads in enumerate(self.reads) for place in reads}
        self.done = [[p for p in reads if last[p] == step] for step, reads in enumerate(self.reads)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, K)."""
        kept: dict[int, torch.Tensor] = {}
        for place, step in enumerate(self.steps):
            reads = [kept[read] for read in self.reads[place]] or [x]
            kept[place] = step(reads) if self.joins[place] else step(reads[0])
            for read in self.done[place]:  # nobody reads it later
                del kept[read]
        return kept[len(self.steps) - 1]


class _Sum(nn.Module):
    def forward(self, parts: list[torch.Tensor]) -> torch.Tensor:
        return sum(parts[1:], parts[0])


class _Concatenate(nn.Module):
    def forward(self, parts: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(parts, 1)


class _Flatten(nn.Module):
    """In Keras' order, height, width, channels: of a tensor in channels last it copies nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


JOINS = {"Add": _Sum, "Concatenate": _Concatenate}
ACTIVATIONS = {
    "relu": lambda: nn.ReLU(inplace=True),
    "softmax": lambda: nn.Softmax(1),
    "linear": nn.Identity,
}


def _sources(entry: dict[str, Any]) -> list[str]:
    """Names of the layers that a layer reads."""
    (node,) = entry["inbound_nodes"] or [{"args": []}]
    tensors = [t for part in node["args"] for t in (part if isinstance(part, list) else [part])]
    return [tensor["config"]["keras_history"][0] for tensor in tensors]


def _module(layer: Any) -> nn.Module:
    kind = type(layer).__name__
    if kind in ("Conv2D", "DepthwiseConv2D"):
        return _activated(_convolution(layer, depthwise=kind == "DepthwiseConv2D"), layer)
    if kind == "BatchNormalization":
        return _normalization(layer)
    if kind == "Dense":
        return _activated(_dense(layer), layer)
    if kind == "Activation":
        return ACTIVATIONS[layer.activation.__name__]()
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = layer.padding
        return nn.ZeroPad2d((left, right, top, bottom))
    if kind == "MaxPooling2D" and layer.padding == "valid":
        return nn.MaxPool2d(layer.pool_size, layer.strides)
    if kind == "GlobalAveragePooling2D":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kind == "ReLU":
        return nn.ReLU6(inplace=True) if layer.max_value == 6 else nn.ReLU(inplace=True)
    if kind == "Dropout":
        return nn.Dropout(layer.rate)
    if kind == "Flatten":
        return _Flatten()
    if kind in JOINS:
        return JOINS[kind]()
    if kind == "InputLayer":
        return nn.Identity()
    raise ValueError(f"No module for a layer of kind {kind}.")


def _without_softmax(layer: Any) -> nn.Module:
    if layer.activation is not keras.activations.softmax:
        raise ValueError("The last layer has no softmax to leave out.")
    return _dense(layer) if type(layer).__name__ == "Dense" else nn.Identity()


def _activated(module: nn.Module, layer: Any) -> nn.Module:
    name = layer.activation.__name__
    return module if name == "linear" else nn.Sequential(module, ACTIVATIONS[name]())


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
    result: nn.Module = module
    if layer.padding == "same" and max(strides) > 1:  # Keras pads one more below and at the right
        module.padding = (0, 0)
        high, wide = (max(side - stride, 0) for side, stride in zip(size, strides, strict=True))
        pad = nn.ZeroPad2d((wide // 2, wide - wide // 2, high // 2, high - high // 2))
        result = nn.Sequential(pad, module) if high or wide else module
    with torch.no_grad():
        module.weight.copy_(kernel)
        if bias and module.bias is not None:
            module.bias.copy_(bias[0])
    return result


def _normalization(layer: Any) -> nn.Module:
    gamma, beta, mean, variance = (torch.from_numpy(np.array(a)) for a in layer.get_weights())
    kind = nn.BatchNorm2d if len(layer.output.shape) == 4 else nn.BatchNorm1d
    module = kind(len(gamma), eps=layer.epsilon, momentum=1 - layer.momentum)
    module.load_state_dict(
        {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}, strict=False
    )
    return module


def _dense(layer: Any) -> nn.Module:
    kernel, bias = (torch.from_numpy(np.array(array)) for array in layer.get_weights())
    module = nn.Linear(*kernel.shape)
    module.load_state_dict({"weight": kernel.T, "bias": bias})
    return module
