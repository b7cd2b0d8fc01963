"""Reusing trained networks: pretrained ones, their features, heads on features, fine-tuning.

Each name is imported when first used: those that list and check names, and
advise, need no Keras.
"""

from sightkit import _lazy

_lazy.attach(__name__)
