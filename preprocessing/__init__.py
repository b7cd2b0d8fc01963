"""Image in, image out: frozen dataclasses that are called on one uint8 RGB image.

Each has ``to_config()`` and is made again by ``from_config``; the chain that a network was
evaluated with travels with it in its bundle.
"""

from sightkit.preprocessing.base import Preprocessor, from_config
from sightkit.preprocessing.grayscale import GrayscalePreprocessor
from sightkit.preprocessing.image_to_array import ImageToArrayPreprocessor
from sightkit.preprocessing.pipeline import Pipeline
from sightkit.preprocessing.simple import SimplePreprocessor

__all__ = [
    "GrayscalePreprocessor",
    "ImageToArrayPreprocessor",
    "Pipeline",
    "Preprocessor",
    "SimplePreprocessor",
    "from_config",
]
