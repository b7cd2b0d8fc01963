"""Captchas, from the download to a tested network: characters cut and labelled, or read whole.

Each name is imported when first used.
"""

from sightkit import _lazy

_lazy.attach(__name__)
