"""Making a network learn: the run folder, ``fit`` with exact resume, bundles.

Everything but the configuration is imported when first used, so that a script's ``--help`` needs
no Keras.
"""

from sightkit import _lazy

_lazy.attach(__name__)
