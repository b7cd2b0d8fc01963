from sightkit.preprocessing.aspect_aware import AspectAwarePreprocessor as AspectAwarePreprocessor
from sightkit.preprocessing.augment import Augment as Augment
from sightkit.preprocessing.base import ArrayPreprocessor as ArrayPreprocessor
from sightkit.preprocessing.base import Preprocessor as Preprocessor
from sightkit.preprocessing.base import RandomPreprocessor as RandomPreprocessor
from sightkit.preprocessing.base import from_config as from_config
from sightkit.preprocessing.colour import BGRPreprocessor as BGRPreprocessor
from sightkit.preprocessing.colour import ColourPreprocessor as ColourPreprocessor
from sightkit.preprocessing.colour import GrayscalePreprocessor as GrayscalePreprocessor
from sightkit.preprocessing.crop import CropPreprocessor as CropPreprocessor
from sightkit.preprocessing.crop import MirrorPreprocessor as MirrorPreprocessor
from sightkit.preprocessing.cutout import CutoutPreprocessor as CutoutPreprocessor
from sightkit.preprocessing.image_to_array import (
    ImageToArrayPreprocessor as ImageToArrayPreprocessor,
)
from sightkit.preprocessing.mean import MeanPreprocessor as MeanPreprocessor
from sightkit.preprocessing.mean_image import MeanImagePreprocessor as MeanImagePreprocessor
from sightkit.preprocessing.pad import PadPreprocessor as PadPreprocessor
from sightkit.preprocessing.patch import PatchPreprocessor as PatchPreprocessor
from sightkit.preprocessing.pipeline import Pipeline as Pipeline
from sightkit.preprocessing.pipeline import RandomPipeline as RandomPipeline
from sightkit.preprocessing.pipeline import flat_steps as flat_steps
from sightkit.preprocessing.simple import SimplePreprocessor as SimplePreprocessor
