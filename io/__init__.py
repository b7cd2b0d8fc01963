"""Bytes to RGB arrays, sources of images, splits, and the HDF5 dataset file.

Installed as ``sightkit.io``; nothing here shadows the standard library's ``io``. The generator is
a Keras class, so its module is imported when its name is first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
