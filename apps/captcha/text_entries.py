"""The networks that read whole captchas, as the zoo's table has them. No Keras here."""

from __future__ import annotations

from sightkit.zoo.registry import register
from sightkit.zoo.table import Entry, shape

HEADS, CTC = "captcha_heads", "captcha_ctc"

register(
    Entry(
        HEADS,
        "sightkit.apps.captcha.text_networks",
        "CaptchaHeads",
        "captcha",
        shape(8, 16, 1, classes=5, length=2, filters=(4, 8)),
        ((shape(24, 72, 1, classes=32, length=4), 1_126_176, 704),),
    ),
    Entry(
        CTC,
        "sightkit.apps.captcha.text_networks",
        "CaptchaCTC",
        "captcha",
        shape(8, 16, 1, classes=5, filters=(4, 8)),
        ((shape(24, 72, 1, classes=32), 254_017, 704),),
    ),
)
