"""Evaluating a network: metrics, confusion, worst mistakes, the report of a run.

Models and data come as arguments; nothing here knows how they were trained. Each name is imported
when first used, so that a script can check its ``--output`` before Keras starts.
"""

from sightkit import _lazy

_lazy.attach(__name__)
