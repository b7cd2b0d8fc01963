"""Image in, image out: frozen dataclasses that are called on one uint8 RGB image.

Each has ``to_config()`` and is made again by ``from_config``; the chain that a network was
evaluated with travels with it in its bundle.
"""

from sightkit.preprocessing.aspect_aware import AspectAwarePreprocessor
from sightkit.preprocessing.augment import Augment
from sightkit.preprocessing.base import Preprocessor, RandomPreprocessor, from_config
from sightkit.preprocessing.colour import BGRPreprocessor, ColourPreprocessor
from sightkit.preprocessing.grayscale import GrayscalePreprocessor
from sightkit.preprocessing.image_to_array import ImageToArrayPreprocessor
from sightkit.preprocessing.mean import MeanPreprocessor
from sightkit.preprocessing.pipeline import Pipeline
from sightkit.preprocessing.simple import SimplePreprocessor

__all__ = [
    "AspectAwarePreprocessor",
    "Augment",
    "BGRPreprocessor",
    "ColourPreprocessor",
    "GrayscalePreprocessor",
    "ImageToArrayPreprocessor",
    "MeanPreprocessor",
    "Pipeline",
    "Preprocessor",
    "RandomPreprocessor",
    "SimplePreprocessor",
    "from_config",
]
