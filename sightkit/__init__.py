"""sightkit: a Keras model zoo and training toolkit for images.

Import from the folders: ``from sightkit.zoo import LeNet``, ``from sightkit.io import read_image``.
TensorFlow writes a dozen lines when it starts, and no setting silences them: in a notebook call
``sightkit.start_keras()`` first, as all scripts do.
"""

from sightkit._keras import follow_keras, start_keras

__version__ = "0.1.0"

__all__ = ["__version__", "start_keras"]

follow_keras()
