"""LiteRT (TensorFlow Lite), answered by ai-edge-litert."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from sightkit.apps.deploy.exported import ExportedPredictor, in_batches, shape_of

ENTRY = "sightkit.json"
"""Of the archive behind the network, where TensorFlow Lite's metadata have their files."""


class Exported(ExportedPredictor):
    """network.tflite."""

    engine = "litert"
    file = "network.tflite"

    @staticmethod
    def write(network: Any, path: Path) -> None:
        """Write by TensorFlow's converter."""
        network.export(str(path), format="litert", verbose=False)

    @staticmethod
    def quantize(network: Any, source: Path, path: Path, images: np.ndarray) -> None:
        """Write by TensorFlow's converter: static, a scale a channel."""
        import tensorflow as tf

        def samples() -> Iterator[list[np.ndarray]]:
            yield from ([image[np.newaxis]] for image in images)

        options: dict[str, Any] = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": samples,
        }
        network.export(str(path), format="litert", verbose=False, **options)

    def __init__(self, path: Path) -> None:
        self._interpreter = Interpreter(str(path))
        self._lock = threading.Lock()
        images = self._interpreter.get_input_details()[0]
        answer = self._interpreter.get_output_details()[0]
        self.input_name, self.output_name = images["name"], answer["name"]
        self._input, self._output = images["index"], answer["index"]
        self._allocated: tuple[int, ...] = ()
        self.facts = {"signatures": self._interpreter.get_signature_list()}
        taken, made = shape_of(images["shape_signature"]), shape_of(answer["shape_signature"])
        super().__init__(path.name, "float32", 1, taken, made)

    def _answer(self, images: np.ndarray) -> np.ndarray:
        with self._lock:
            return in_batches(self._of_batch, images)

    def _of_batch(self, images: np.ndarray) -> np.ndarray:
        interpreter = self._interpreter
        if self._allocated != images.shape:
            interpreter.resize_tensor_input(self._input, images.shape)
            interpreter.allocate_tensors()
            self._allocated = images.shape
        interpreter.set_tensor(self._input, images)
        interpreter.invoke()
        return interpreter.get_tensor(self._output)

    @staticmethod
    def store(path: Path, text: str) -> None:
        """Append an archive: readers of the network do not look behind it."""
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo(ENTRY), text)

    @staticmethod
    def stored(path: Path) -> str:
        """Return the text in the archive."""
        with zipfile.ZipFile(path) as archive:
            return archive.read(ENTRY).decode()
