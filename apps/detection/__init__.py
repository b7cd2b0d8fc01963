"""Things found in pictures: boxes with labels and scores, how to find them, how to measure it.

Each name is imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
