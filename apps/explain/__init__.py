"""Why a network answers as it does: what it sees in a picture, and what would change its answer.

Everything looks from outside: networks of any form are explained as they are. Each name is
imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
