"""A trained network as a plain function of batches: ``compile(network)``."""

from sightkit.inference.engines import EngineName, compile  # noqa: A004
from sightkit.inference.predictor import Predictor

__all__ = ["EngineName", "Predictor", "compile"]
