from sightkit.experiments.config import Config as Config
from sightkit.experiments.data import Data as Data
from sightkit.experiments.experiment import CLASSIFICATION as CLASSIFICATION
from sightkit.experiments.experiment import Experiment as Experiment
from sightkit.experiments.experiment import start as start
from sightkit.experiments.flags.optimizer import OptimizerName as OptimizerName
from sightkit.experiments.flags.schedule import ScheduleName as ScheduleName
