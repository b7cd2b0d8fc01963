"""One engine's answers from the first image to the last, for what is written to one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightkit._errors import SightkitError
from sightkit.inference.starting import Engine
from sightkit.inference.telling import short

if TYPE_CHECKING:
    from sightkit.inference.predictor import Predictor


class Pinned:
    """Call it as the predictor that made it; what does not go by this engine is refused.

    Keras never stands in for the engine: rows of two engines differ in their last bits, and one
    who goes on with half a file could not tell where they change. Nor do answers follow weights
    that the network is given later: an engine has copies of its own. (Keras has not: where it is
    what was pinned, leave the network alone.)

    Attributes:
        engine: ``"keras"``, ``"openvino"`` or ``"folded"``, for good.
        precision: what it computes in.
    """

    def __init__(
        self,
        predictor: Predictor,
        engine: Engine,
        precision: str,
        next_step: str,
    ) -> None:
        self.engine = engine.name
        self.precision = precision
        self._predictor = predictor
        self._answer = engine
        self._next_step = next_step

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predict; images and answers are those of ``Predictor``.

        Raises:
            SightkitError: images of another shape than the network's input; the engine failed, or
                gave NaN where Keras does not.
        """
        images = self._predictor.checked(images)
        if self.engine == "keras" or not len(images):
            return self._predictor.by_keras(images)
        try:
            outputs = self._answer(images)
        except Exception as error:
            self._predictor.by_keras(images)  # if the images are to blame, Keras raises too
            raise self._refusal(f"it failed ({short(error)})") from error
        found = np.isnan(outputs)
        if found.any() and (found & ~np.isnan(self._predictor.by_keras(images))).any():
            raise self._refusal("its output has NaN, and Keras' has not")
        return outputs

    def _refusal(self, reason: str) -> SightkitError:
        return SightkitError(
            f"One engine must answer from the first image to the last, but {reason}.",
            self._next_step,
            network=self._predictor.network.name,
            engine=self.engine,
        )
