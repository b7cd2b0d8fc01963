"""sightkit: a Keras model zoo and training toolkit for images.

Import from the folders: ``from sightkit.zoo import LeNet``, ``from sightkit.io import read_image``.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
