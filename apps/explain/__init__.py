"""What a network sees, and why it says so: from outside, for any Keras model.

Each name is imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
