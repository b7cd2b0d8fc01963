"""The common part of training scripts: flags, run, data, training, report.

A library, not a framework: the script keeps the control flow, and uses the parts that it needs.
"""

from sightkit import _lazy

_lazy.attach(__name__)
