from sightkit.inference.engines import EngineName as EngineName
from sightkit.inference.engines import compile as compile
from sightkit.inference.predictor import Predictor as Predictor
