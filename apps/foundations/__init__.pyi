from sightkit.apps.foundations.perceptron import Perceptron as Perceptron
from sightkit.apps.foundations.picture import PictureConfig as PictureConfig
from sightkit.apps.foundations.picture import draw_classes as draw_classes
from sightkit.apps.foundations.picture import new_figure as new_figure
