"""ONNX, answered by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from sightkit.apps.deploy.exported import BATCH, ExportedPredictor, in_batches, shape_of

KEY = "sightkit"
"""Of the metadata's entry."""
OUTPUT = "probabilities"
WEIGHED = ("Conv", "Gemm", "MatMul")


class Exported(ExportedPredictor):
    """network.onnx; the batch axis is called ``batch``."""

    engine = "onnxruntime"
    file = "network.onnx"

    @staticmethod
    def write(network: Any, path: Path) -> None:
        """Write by tf2onnx."""
        network.export(str(path), format="onnx", verbose=False)
        model = onnx.load(path)
        graph = model.graph
        for end in (*graph.input, *graph.output):
            end.type.tensor_type.shape.dim[0].dim_param = "batch"
        del graph.value_info[:]  # they name the batch axis otherwise
        for node in graph.node:
            node.output[:] = [
                OUTPUT if each == graph.output[0].name else each for each in node.output
            ]
        graph.output[0].name = OUTPUT
        onnx.save(model, path)
        onnx.checker.check_model(str(path))  # which names what tf2onnx could not convert

    @staticmethod
    def quantize(network: Any, source: Path, path: Path, images: np.ndarray) -> None:
        """Write by ONNX Runtime: static, a scale a channel; what follows the last weights is float.

        The last activation is: 8 bits know no probability between 1/256 and 0.
        """
        from onnxruntime import quantization

        graph = onnx.load(source, load_external_data=False).graph
        name = graph.input[0].name
        last = max(at for at, node in enumerate(graph.node) if node.op_type in WEIGHED)
        after = [node.name for node in graph.node[last + 1 :]]

        class Images(quantization.CalibrationDataReader):
            def __init__(self) -> None:
                starts = range(0, len(images), BATCH)
                self.batches = iter({name: images[at : at + BATCH]} for at in starts)

            def get_next(self) -> Any:
                return next(self.batches, None)

        quantization.quantize_static(
            source, path, Images(), per_channel=True, nodes_to_exclude=after
        )

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        images, answer = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self.input_name, self.output_name = images.name, answer.name
        opsets = onnx.load(path, load_external_data=False).opset_import
        self.facts = {"opset": {each.domain or "ai.onnx": each.version for each in opsets}}
        super().__init__(
            path.name, "float32", BATCH, shape_of(images.shape), shape_of(answer.shape)
        )

    def _answer(self, images: np.ndarray) -> np.ndarray:
        return in_batches(
            lambda part: self._session.run([self.output_name], {self.input_name: part})[0], images
        )

    @staticmethod
    def store(path: Path, text: str) -> None:
        """Write the entry ``sightkit`` of metadata_props."""
        model = onnx.load(path)
        onnx.helper.set_model_props(model, {KEY: text})
        onnx.save(model, path)

    @staticmethod
    def stored(path: Path) -> str:
        """Return that entry."""
        properties = onnx.load(path, load_external_data=False).metadata_props
        return {each.key: each.value for each in properties}[KEY]
