from sightkit.inference.engines import EngineName as EngineName
from sightkit.inference.engines import check_engine as check_engine
from sightkit.inference.engines import compile as compile
from sightkit.inference.predictor import Predictor as Predictor
from sightkit.inference.saved_form import load_or_compile as load_or_compile
from sightkit.inference.saved_form import openvino_installed as openvino_installed
