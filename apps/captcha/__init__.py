"""Captchas, from the download to a tested network: characters cut and labelled, or read whole.

Each name is imported when first used.
"""

from sightkit import _lazy
from sightkit.training.bundle_format import register_kind

register_kind("captcha", "sightkit.apps.captcha.text_bundle")
_lazy.attach(__name__)
