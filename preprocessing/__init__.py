"""Image in, image out: frozen dataclasses that are called on one uint8 RGB image.

Each has ``batch`` for many at once, with equal results, and ``to_config()``, from which
``from_config`` makes it again; the chain that a network was evaluated with travels with it in its
bundle. Random ones are called with their source of randomness: ``p(image, rng)``,
``p.batch(images, rngs)``.
"""

from sightkit.preprocessing.aspect_aware import AspectAwarePreprocessor
from sightkit.preprocessing.augment import Augment
from sightkit.preprocessing.base import Preprocessor, RandomPreprocessor, from_config
from sightkit.preprocessing.colour import BGRPreprocessor, ColourPreprocessor
from sightkit.preprocessing.crop import CropPreprocessor
from sightkit.preprocessing.grayscale import GrayscalePreprocessor
from sightkit.preprocessing.image_to_array import ImageToArrayPreprocessor
from sightkit.preprocessing.mean import MeanPreprocessor
from sightkit.preprocessing.mean_image import MeanImagePreprocessor
from sightkit.preprocessing.mirror import MirrorPreprocessor
from sightkit.preprocessing.patch import PatchPreprocessor
from sightkit.preprocessing.pipeline import Pipeline, RandomPipeline
from sightkit.preprocessing.simple import SimplePreprocessor

__all__ = [
    "AspectAwarePreprocessor",
    "Augment",
    "BGRPreprocessor",
    "ColourPreprocessor",
    "CropPreprocessor",
    "GrayscalePreprocessor",
    "ImageToArrayPreprocessor",
    "MeanImagePreprocessor",
    "MeanPreprocessor",
    "MirrorPreprocessor",
    "PatchPreprocessor",
    "Pipeline",
    "Preprocessor",
    "RandomPipeline",
    "RandomPreprocessor",
    "SimplePreprocessor",
    "from_config",
]
