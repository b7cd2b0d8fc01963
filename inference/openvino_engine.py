"""A network compiled by OpenVINO: one stream a core, infer requests of its own for each thread."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit._errors import in_a_line
from sightkit.inference.predictor import Predictor

if TYPE_CHECKING:
    import keras

KNOWN_VERSIONS = ("2026.",)
"""Beginnings of the versions that the tests have run with."""
HINTS = {"float32": "f32", "bfloat16": "bf16"}
LENGTH = 8
"""Bytes of a network's form for the length of the part that describes its layers."""
PART_VALUES = 602_112
"""Numbers that one request takes at once: 4 images of 224×224×3, the cheapest of 1, 2, 4 and 8 for
MobileNetV2-0.35 (1.83 CPU ms an image; docs/measurements.md)."""


class UnavailableError(Exception):
    """OpenVINO cannot be used; the message, a clause, gives the reason."""


class OpenVinoEngine(Predictor):
    """A network compiled for this processor; it has a copy of the weights, and needs no Keras.

    Args:
        network: its name, for messages.
        form: the network, from ``convert``.
        precision: ``"float32"`` or ``"bfloat16"``. Always given to OpenVINO, which would otherwise
            compute in bfloat16 wherever the CPU can.
        batch_size: images that are computed at once, all streams together.

    Raises:
        UnavailableError: not installed, or of a version that was never tried.
        Exception: whatever OpenVINO raises of a form that it cannot read.
    """

    engine = "openvino"

    def __init__(self, network: str, form: bytes, precision: str, batch_size: int) -> None:
        self._core = _core()
        self._tensor = load_openvino().Tensor
        layers = int.from_bytes(form[:LENGTH], "big")
        content = form[LENGTH:]
        self._model = self._core.read_model(content[:layers], content[layers:])
        input_shape, output_shape = _shape(self._model.input(0)), _shape(self._model.output(0))
        super().__init__(network, precision, batch_size, input_shape, output_shape)
        self.streams = len(os.sched_getaffinity(0))
        self._most = max(1, batch_size // self.streams)
        sides = [side for side in input_shape[1:] if side is not None]
        self._fixed = self._part_of(tuple(sides)) if len(sides) == len(input_shape) - 1 else 0
        self.at_once = max(1, self._fixed) * self.streams  # all streams, with full parts
        # Pinned threads of two processes would fight for the same cores.
        self._options = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "NUM_STREAMS": self.streams,
            "INFERENCE_NUM_THREADS": self.streams,
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._own = threading.local()

    def _answer(self, images: np.ndarray) -> np.ndarray:
        share = -(-len(images) // self.streams)
        size = min(self._part_of(images.shape[1:]), share)
        outputs: list[np.ndarray] = []
        running: deque[tuple[Any, np.ndarray]] = deque()

        def collect() -> None:  # of the oldest; parts come back in their order
            request, _ = running.popleft()
            request.wait()
            outputs.append(np.array(request.get_output_tensor(0).data, np.float32))

        try:
            for number, start in enumerate(range(0, len(images), size)):
                if len(running) == self.streams:
                    collect()
                # The request reads the images where they are, so they are held until it is done.
                part = np.require(images[start : start + size], np.float32, ["C", "W"])
                request = self._request(len(part), number % self.streams)
                request.set_input_tensor(self._tensor(part, shared_memory=True))
                request.start_async()
                running.append((request, part))
            while running:
                collect()
        finally:  # whatever was raised, nothing is left running
            for request, _ in running:
                with contextlib.suppress(Exception):  # the first error is the one that counts
                    request.wait()
        return np.concatenate(outputs)

    def _part_of(self, shape: tuple[int, ...]) -> int:
        """Return the images of that shape that one request takes."""
        return min(self._most, max(1, PART_VALUES // math.prod(shape)))

    def _request(self, count: int, stream: int) -> Any:
        """Return this thread's request of a stream, for so many images.

        A network whose shapes are all fixed plans its memory once: 2.00 ms an image in place of
        2.33 (MobileNetV2-0.35). So full parts have one of their own, and another takes the rest.
        """
        fixed = count if count == self._fixed else 0
        if not hasattr(self._own, "requests"):
            self._own.requests = {}
        requests: dict[tuple[int, int], Any] = self._own.requests
        if (fixed, stream) not in requests:
            with self._lock:
                if fixed not in self._compiled:
                    self._compiled[fixed] = self._compile(fixed)
            requests[fixed, stream] = self._compiled[fixed].create_infer_request()
        return requests[fixed, stream]

    def _compile(self, fixed: int) -> Any:
        """Compile the network for so many images at once, or for any number where that is 0."""
        model = self._model
        if fixed:
            model = model.clone()
            model.reshape([fixed, *list(model.input(0).partial_shape)[1:]])
        return self._core.compile_model(model, "CPU", self._options)


def convert(network: keras.Model) -> bytes:
    """Return a Keras network in OpenVINO's form, for any number of images."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        network.export(str(path), format="openvino", verbose=False)
        return form_of(path)


def form_of(path: Path) -> bytes:
    """Return the form of the network in an .xml file and the .bin file beside it."""
    layers, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return len(layers).to_bytes(LENGTH, "big") + layers + weights


def _shape(port: Any) -> tuple[int | None, ...]:
    return tuple(s.get_length() if s.is_static else None for s in port.partial_shape)


_CORE: list[Any] = []
_CORE_LOCK = threading.Lock()


def _core() -> Any:
    """Return the one core of this process, which is never deleted.

    With its last user, OpenVINO's CPU plugin unmaps the stack on which the thread that loaded it
    handles signals, from whichever thread that happens: the next Ctrl-C would be a segmentation
    fault (2026.4).
    """
    with _CORE_LOCK:
        if not _CORE:
            _CORE.append(load_openvino().Core())
        return _CORE[0]


def load_openvino() -> Any:
    """Import OpenVINO, of a known version.

    Its Python package reports each import over the network where ``openvino_telemetry`` can be
    imported; here it cannot.
    """
    blocked = "openvino" not in sys.modules and "openvino_telemetry" not in sys.modules
    if blocked:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        import openvino
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "openvino":
            raise UnavailableError("OpenVINO is not installed (extra: fast)") from error
        reason = f"OpenVINO is installed and cannot be imported ({in_a_line(error)})"
        raise UnavailableError(reason) from error
    finally:
        if blocked:
            sys.modules.pop("openvino_telemetry", None)
    if not openvino.__version__.startswith(KNOWN_VERSIONS):
        raise UnavailableError(f"OpenVINO {openvino.__version__} is of a version that is not known")
    return openvino
