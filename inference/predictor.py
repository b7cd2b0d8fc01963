"""Preprocessed batches in, arrays out, by one engine for good; Keras as such an engine."""

from __future__ import annotations

import abc
import threading
from typing import TYPE_CHECKING

import numpy as np

from sightkit._errors import SightkitError, in_a_line

if TYPE_CHECKING:
    import keras


class Predictor(abc.ABC):
    """Preprocessed (N, H, W, C) float32 to (N, K) float32; made by ``compile``.

    It has no state that an answer could change: the same images get the same answer, whatever it
    was called with before, and several threads may call it. An engine that fails raises.

    Args:
        network: name of the network, for messages.
        precision: what the engine computes in, ``"float32"`` or ``"bfloat16"``.
        batch_size: images that go through the network at once; bounds the memory.
        input_shape: (None, H, W, C), None where any size will do; None for unknown.
        output_shape: (None, K).

    Attributes:
        engine: ``"keras"``, ``"openvino"`` or ``"folded"``.
    """

    engine: str
    at_once = 1
    """Images that it is compared with Keras on at least: what all its ways of computing need."""

    def __init__(
        self,
        network: str,
        precision: str,
        batch_size: int,
        input_shape: tuple[int | None, ...] | None,
        output_shape: tuple[int | None, ...],
    ) -> None:
        self.network = network
        self.precision = precision
        self.batch_size = batch_size
        self.input_shape = input_shape
        self.output_shape = output_shape

    @abc.abstractmethod
    def _answer(self, images: np.ndarray) -> np.ndarray:
        """Return float32 (N, K) of (N, H, W, C), N at least 1."""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predict.

        Args:
            images: (N, H, W, C), float32, preprocessed; any N.

        Returns:
            float32 (N, K): what the network gives, in inference mode.

        Raises:
            SightkitError: images of another shape than the network's input; an engine other than
                Keras that fails or gives NaN.
        """
        images = np.asarray(images)
        self.check_shape(images)
        if not len(images):
            return np.zeros([side or 0 for side in (0, *self.output_shape[1:])], np.float32)
        if self.engine == "keras":
            return self._answer(images)
        try:
            outputs = self._answer(images)
        except Exception as error:
            raise self._failure(in_a_line(error)) from error
        if np.isnan(outputs).any():
            raise self._failure("its output has NaN")
        return outputs

    def check_shape(self, images: np.ndarray) -> None:
        """Raise unless images have the shape that the network takes."""
        takes, given = self.input_shape, images.shape
        if takes is None or (
            len(given) == len(takes)
            and all(side in (None, own) for side, own in zip(takes[1:], given[1:], strict=True))
        ):
            return
        raise SightkitError(
            "Images must have the shape that the network was built for.",
            "One image alone needs an axis before its own: image[None]."
            if len(given) == len(takes) - 1
            else "Preprocess them as the bundle's preprocessing does.",
            images=given,
            network=self.network,
            takes=takes,
        )

    def _failure(self, reason: str) -> SightkitError:
        return SightkitError(
            "An engine must answer all images; no other engine replaces it.",
            (
                "let Keras answer by --engine=keras",
                *(["take it away, by pip uninstall openvino"] if self.engine == "openvino" else ()),
            ),
            network=self.network,
            engine=self.engine,
            reason=reason,
        )


class KerasEngine(Predictor):
    """Keras itself, with the network's present weights; or, by another name, a folded copy.

    Args:
        network: with one input and one output.
        batch_size: images that go through it at once.
        precision: what it computes in.
        engine: its name.
    """

    def __init__(
        self, network: keras.Model, batch_size: int, precision: str, engine: str = "keras"
    ) -> None:
        shape = tuple(network.inputs[0].shape) if getattr(network, "inputs", None) else None
        outputs = getattr(network, "output_shape", ())  # a subclassed network has none
        super().__init__(network.name, precision, batch_size, shape, outputs)
        self.engine = engine
        self._network = network
        # Keras keeps the state of a prediction on the model, so one thread at a time.
        self._lock = threading.Lock()

    def _answer(self, images: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(images), self.batch_size):
            with self._lock:
                part = self._network.predict_on_batch(images[start : start + self.batch_size])
            parts.append(np.asarray(part, np.float32))
        return np.concatenate(parts)
