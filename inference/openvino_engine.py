"""A network compiled by OpenVINO: one stream a core, infer requests of its own for each thread."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from typing import Any

import keras
import numpy as np

from sightkit.inference.compiled_cache import CompiledCache

KNOWN_VERSIONS = ("2026.",)
"""Beginnings of the versions that the tests have run with."""
HINTS = {"float32": "f32", "bfloat16": "bf16"}
CHUNK_VALUES = 602_112
"""Numbers that one request takes at once: 4 images of 224×224×3. CPU ms an image on two cores, with
chunks of 2, 4, 8 and 16: MobileNetV2-0.35 2.3, 2.2, 2.5 and 2.8; ResNet50 70, 68, 68 and 67."""


class UnavailableError(Exception):
    """OpenVINO cannot be used; the message, a clause, says why."""


class OpenVinoEngine:
    """Call it with (N, H, W, C); made by converting a network, or from a cache.

    Args:
        network: with one input and one output, float32.
        precision: ``"float32"`` or ``"bfloat16"``. Always told to OpenVINO, which would otherwise
            compute in bfloat16 wherever the CPU can.
        batch_size: images that are computed at once, all streams together.
        cache: where the compiled form is kept; ``None`` for in memory.

    Raises:
        UnavailableError: not installed, or of a version that was never tried.
        Exception: whatever the conversion raises.
    """

    name = "openvino"

    def __init__(
        self, network: keras.Model, precision: str, batch_size: int, cache: CompiledCache | None
    ) -> None:
        openvino = load_openvino()
        self.streams = len(os.sched_getaffinity(0))
        self._most = max(1, batch_size // self.streams)
        self._core = openvino.Core()
        # Pinned threads of two processes would fight for the same cores.
        self._options = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "NUM_STREAMS": self.streams,
            "INFERENCE_NUM_THREADS": self.streams,
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = self._from_cache(cache)
        if self._compiled is None:
            self._compiled = self._convert(network)
            if cache is not None:
                cache.write(self._compiled.export_model().getvalue())
        self._own = threading.local()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, C) to float32 (N, K), N at least 1."""
        requests = self._requests()
        share = -(-len(images) // self.streams)
        chunk = min(self._most, share, max(1, CHUNK_VALUES // images[0].size))
        outputs = np.empty(0, np.float32)
        for round_start in range(0, len(images), chunk * self.streams):
            starts = range(round_start, len(images), chunk)[: self.streams]
            used = requests[: len(starts)]
            try:
                for request, start in zip(used, starts, strict=True):
                    part = images[start : start + chunk]
                    request.start_async({0: np.ascontiguousarray(part, np.float32)})
            finally:  # whatever was raised, nothing is left running
                for request in used:
                    request.wait()
            for request, start in zip(used, starts, strict=True):
                part = request.get_output_tensor(0).data
                if start == 0:
                    outputs = np.empty((len(images), *part.shape[1:]), np.float32)
                outputs[start : start + len(part)] = part
        return outputs

    def _requests(self) -> list[Any]:
        if not hasattr(self._own, "requests"):
            self._own.requests = [
                self._compiled.create_infer_request() for _ in range(self.streams)
            ]
        return self._own.requests

    def _from_cache(self, cache: CompiledCache | None) -> Any:
        kept = cache.read() if cache is not None else None
        if kept is None:
            return None
        try:
            return self._core.import_model(kept, "CPU", self._options)
        except Exception:  # of a build that writes another form under the same version
            return None

    def _convert(self, network: keras.Model) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "network.xml")
            network.export(path, format="openvino", verbose=False)
            return self._core.compile_model(self._core.read_model(path), "CPU", self._options)


def load_openvino() -> Any:
    """OpenVINO's module, of a known version.

    Its Python package reports each import over the network where ``openvino_telemetry`` can be
    imported; here it cannot.
    """
    blocked = "openvino" not in sys.modules and "openvino_telemetry" not in sys.modules
    if blocked:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError as error:
        raise UnavailableError("OpenVINO is not installed (extra: fast)") from error
    finally:
        if blocked:
            del sys.modules["openvino_telemetry"]
    if not openvino.__version__.startswith(KNOWN_VERSIONS):
        raise UnavailableError(f"OpenVINO {openvino.__version__} is of a version that is not known")
    return openvino
