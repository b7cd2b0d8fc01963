"""Image in, image out: frozen dataclasses that are called on one uint8 RGB image.

Each has ``batch`` for many at once, with equal results, and ``to_config()``, from which
``from_config`` makes it again; the chain that a network was evaluated with travels with it in its
bundle. Random ones are called with their source of randomness: ``p(image, rng)``,
``p.batch(images, rngs)``.
"""

from sightkit import _lazy

_lazy.attach(__name__, eager=True)
