"""How learning works: small programs in NumPy, to read, to break and to write again.

Each file is read in five minutes, and its head names the formula, the test and the picture. Each
name is imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
