"""Pictures made by networks: dreams, styles, samples, sharper and segmented pictures, sentences.

Each name is imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
