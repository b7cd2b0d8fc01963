"""TensorFlow's SavedModel, answered by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files
from sightkit.apps.deploy.exported import BATCH, ExportedPredictor, in_batches, shape_of

EXTRA = "assets.extra/sightkit.json"
"""Where a SavedModel has files that TensorFlow does not read."""
SIGNATURE = "serving_default"


class Exported(ExportedPredictor):
    """The folder saved_model."""

    engine = "tensorflow"
    file = "saved_model"

    @staticmethod
    def write(network: Any, path: Path) -> None:
        """Write by Keras."""
        network.export(str(path), format="tf_saved_model", verbose=False)

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._tensor = tf.constant
        self._loaded = tf.saved_model.load(str(path))  # its variables live as long as it does
        self._function: Any = self._loaded.signatures[SIGNATURE]
        (self.input_name, images), *_ = self._function.structured_input_signature[1].items()
        (self.output_name, answer), *_ = self._function.structured_outputs.items()
        self.facts = {"signature": SIGNATURE}
        shapes = (shape_of(each.shape.as_list()) for each in (images, answer))
        super().__init__(path.name, "float32", BATCH, *shapes)

    def _answer(self, images: np.ndarray) -> np.ndarray:
        def answer(part: np.ndarray) -> np.ndarray:
            return self._function(**{self.input_name: self._tensor(part)})[self.output_name].numpy()

        return in_batches(answer, images)

    @staticmethod
    def store(path: Path, text: str) -> None:
        """Write a file into assets.extra."""
        (path / EXTRA).parent.mkdir(exist_ok=True)
        _files.write_text(path / EXTRA, text)

    @staticmethod
    def stored(path: Path) -> str:
        """Return the text of that file."""
        return (path / EXTRA).read_text(encoding="utf-8")
