"""Pictures made by networks: dreams, styles, samples, sharper and segmented pictures, sentences.

Each name is imported when first used.
"""

from sightkit import _lazy
from sightkit.training.bundle_format import register_kind

register_kind("captioner", "sightkit.apps.generative.captioner_bundle")
register_kind("fast_style", "sightkit.apps.generative.fast_style_bundle")
register_kind("generator", "sightkit.apps.generative.generator_bundle")
register_kind("segmenter", "sightkit.apps.generative.segmenter_bundle")
register_kind("upscaler", "sightkit.apps.generative.upscaler_bundle")
_lazy.attach(__name__)
