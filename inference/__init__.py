"""A trained network as a plain function of batches: ``compile(network)``."""

from sightkit import _lazy

_lazy.attach(__name__)
