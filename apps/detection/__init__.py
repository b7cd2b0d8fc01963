"""Things found in pictures: boxes with labels and scores, how to find them, how to measure it.

Each name is imported when first used.
"""

from sightkit import _lazy
from sightkit.training.bundle_format import register_kind

register_kind("detector", "sightkit.apps.detection.detector_bundle")
register_kind("hog_svm", "sightkit.apps.detection.hog_bundle")
register_kind("localizer", "sightkit.apps.detection.detector_bundle")
_lazy.attach(__name__)
