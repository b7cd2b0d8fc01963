from sightkit.apps.captcha.characters import character_boxes as character_boxes
from sightkit.apps.captcha.characters import cut_characters as cut_characters
from sightkit.apps.captcha.drawn_captchas import draw_captcha as draw_captcha
from sightkit.apps.captcha.drawn_captchas import random_texts as random_texts
from sightkit.apps.captcha.drawn_captchas import write_captchas as write_captchas
