"""A trained network as a plain function of batches: ``compile(network)``."""

from sightkit.inference.pinned import Pinned
from sightkit.inference.predictor import Predictor, compile  # noqa: A004

__all__ = ["Pinned", "Predictor", "compile"]
