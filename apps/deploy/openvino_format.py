"""OpenVINO's own form, answered by OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightkit.apps.deploy.exported import BATCH, ExportedPredictor
from sightkit.inference.openvino_engine import OpenVinoEngine, form_of, load_openvino

load_openvino()  # or there is no such format
KEY = ["sightkit"]
"""Of the runtime information."""


class Exported(OpenVinoEngine, ExportedPredictor):
    """network.xml, and its weights beside it in network.bin."""

    file = "network.xml"

    @staticmethod
    def write(network: Any, path: Path) -> None:
        """Write by Keras."""
        network.export(str(path), format="openvino", verbose=False)

    def __init__(self, path: Path) -> None:
        super().__init__(path.name, form_of(path), "float32", BATCH)
        ends = (self._model.input(0), self._model.output(0))
        # An end without a name has its number alone.
        self.input_name, self.output_name = (min(end.names, default="0") for end in ends)
        self.facts = {"openvino": load_openvino().__version__}

    @staticmethod
    def store(path: Path, text: str) -> None:
        """Write the entry ``sightkit`` of rt_info."""
        openvino = load_openvino()
        model = openvino.Core().read_model(path)
        model.set_rt_info(text, KEY)
        written = path.with_name(f"with_{path.name}")
        openvino.save_model(model, written, compress_to_fp16=False)
        del model  # its weights are mapped into memory
        for suffix in (".xml", ".bin"):
            written.with_suffix(suffix).replace(path.with_suffix(suffix))

    @staticmethod
    def stored(path: Path) -> str:
        """Return that entry."""
        model = load_openvino().Core().read_model(path)
        return str(model.get_rt_info(KEY).astype(str))
