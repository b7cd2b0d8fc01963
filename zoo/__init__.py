"""Networks: one architecture a file, each an uncompiled functional ``keras.Model``.

``names()`` and ``entry()`` need no Keras: a module is imported when its builder is first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
