"""A trained bundle out in the world: exported, on the hub, behind one endpoint.

Each name is imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
