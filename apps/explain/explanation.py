"""Photos explained by some methods: a sheet, a page, and the answers as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sightkit import _files, _run_files
from sightkit._display import data_uri
from sightkit._tables import html_table, percent
from sightkit.apps.explain.badge import (
    ALIKE,
    Badge,
    areas,
    measure_badge,
    store_badge,
    stored_badges,
)
from sightkit.apps.explain.explainer import Explainer
from sightkit.apps.explain.method_names import OF_A_LAYER, TITLES
from sightkit.apps.explain.methods import METHODS, explain
from sightkit.apps.explain.overlay import overlay
from sightkit.apps.explain.pixel_chain import PixelChain
from sightkit.apps.explain.scores import class_probabilities
from sightkit.apps.explain.tiles import WRONG, Tile, draw_tiles
from sightkit.evaluation.html import html_page, section
from sightkit.training.classifier import Classifier

SHEET, SHOWN = "sheet.png", 8
"""Photos on the sheet; the page has all."""
QUALITY = 90
UNMEASURED = "not measured; --measure does"
COLOURS = (
    "Yellow: what the class depends on most. Where a method knows both signs, red speaks for the "
    "class and blue against it."
)


@dataclass(frozen=True)
class Explained:
    """A photo and its explanations.

    Attributes:
        name: of the file.
        picture: uint8 (H, W, C), as the network sees it.
        overlays: uint8 (H, W, 3), by method.
        top: the most probable classes, with their probabilities.
        target: the class that is explained.
        probability: of that class.
    """

    name: str
    picture: np.ndarray
    overlays: Mapping[str, np.ndarray]
    top: Mapping[str, float]
    target: str
    probability: float


def explain_photos(
    classifier: Classifier,
    explainer: Explainer,
    photos: Iterable[Mapping[str, np.ndarray]],
    methods: Sequence[str],
    *,
    target: int | str | None = None,
    layer: str | None = None,
    top: int = 3,
) -> Iterable[Explained]:
    """Yield photos with the overlays of methods, part by part.

    Args:
        classifier: a bundle.
        explainer: of it.
        photos: parts, path to uint8 (H, W, 3).
        methods: see ``METHODS``.
        target: class that is explained; by default each photo's predicted one.
        layer: of class activation maps.
        top: classes that are named.
    """
    chain = PixelChain.of(classifier)
    options = {} if layer is None else {name: {"layer": layer} for name in OF_A_LAYER}
    for part in photos:
        pictures = chain.pictures(list(part.values()))
        inputs = chain.inputs(pictures)
        classes = explainer.targets(inputs, target)
        maps = {
            name: explain(explainer, inputs, classes, method=name, **options.get(name, {}))
            for name in methods
        }
        answers = class_probabilities(explainer.model.predict_on_batch(inputs))
        for row, name in enumerate(part):
            overlays = {
                method: overlay(pictures[row], found[row], signed=METHODS[method].signed)
                for method, found in maps.items()
            }
            share = float(answers[row, classes[row]])
            yield Explained(
                name,
                pictures[row],
                overlays,
                classifier.top(answers[row : row + 1], top)[0],
                classifier.class_names[classes[row]],
                share,
            )


def badges_of(
    explainer: Explainer, methods: Sequence[str], inputs: Any = None
) -> dict[str, Badge | None]:
    """Return the stored badges of methods; those that lack one are measured where there are images.

    Args:
        explainer: of the network.
        methods: see ``METHODS``.
        inputs: images to measure on, as the network takes them; None: nothing is measured.
    """
    found = stored_badges(explainer)
    for name in methods if inputs is not None else ():
        if name not in found:
            found[name] = measure_badge(explainer, inputs, name)
            store_badge(explainer, found[name])
            print(found[name])
    return {name: found.get(name) for name in methods}


def write_explanations(
    folder: Path,
    explained: Iterable[Explained],
    badges: Mapping[str, Badge | None],
    title: str,
) -> list[dict[str, Any]]:
    """Write the page and the sheet; return the answers, JSON.

    Args:
        folder: where ``explain.html`` and ``sheet.png`` go.
        explained: photos, taken one by one.
        badges: of the methods, None where one was not measured.
        title: of the page.
    """
    tiles: list[Tile] = []
    cards, answers = [], []
    for photo in explained:
        if len(answers) < SHOWN:
            tiles += _row(photo, badges)
        cards.append(_card(photo, badges))
        answers.append({"photo": photo.name, "top": dict(photo.top), "explained": photo.target})
    draw_tiles(tiles, 1 + len(badges), folder / SHEET, side=200)
    sections = [
        f"<header><h1>{escape(title)}</h1></header>",
        f"<p>{COLOURS}</p>",
        section("Photos", "".join(cards)),
        section("What the methods are worth on this network", badge_table(badges)),
    ]
    _files.write_text(folder / _run_files.EXPLANATION, html_page(title, sections))
    return answers


def badge_table(badges: Mapping[str, Badge | None]) -> str:
    """Return the badges as HTML: a row a method, then one for each map that knows nothing."""
    measured = [badge for badge in badges.values() if badge]
    missing = ", ".join(TITLES[name] for name, badge in badges.items() if not badge)
    text = f"<p>{missing}: {UNMEASURED}.</p>" if missing else ""
    if not measured:
        return text
    text += (
        "<p>Randomization test: how alike the maps stay when the last layer, or all layers, have "
        f"random weights; from {ALIKE} on a method fails. It cannot tell where even the plain "
        f"gradient's maps stay (here {measured[0].control:.2f} with a random last layer), as of "
        "two or three classes. Deletion and insertion: the class' mean probability while what is "
        "marked is replaced by a blurred copy (less is better), or appears in it (more is better), "
        "against maps that know nothing of the network.</p>"
    )
    rows = [badge.row() for badge in measured]
    known = measured[0].baselines.items()
    rows += [{**dict.fromkeys(rows[0], ""), "method": name, **areas(*each)} for name, each in known]
    return text + html_table(rows, words=2)


def figure(image: np.ndarray, caption: str) -> str:
    """Return a picture, uint8 (H, W, 3) RGB or (H, W, 1), with a caption in HTML."""
    colours = image[..., ::-1] if image.shape[2] == 3 else image
    _, encoded = cv2.imencode(".jpg", colours, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    source = data_uri(encoded.tobytes()).replace("image/png", "image/jpeg", 1)
    return f'<figure><img src="{source}" alt=""><figcaption>{caption}</figcaption></figure>'


def _verdict(badge: Badge | None) -> str:
    return f"randomization test: {badge.verdict}" if badge else "not measured"


def _row(photo: Explained, badges: Mapping[str, Badge | None]) -> list[Tile]:
    name = Path(photo.name).name
    answer = f"{photo.target}: {percent(photo.probability)}"
    tiles = [Tile(photo.picture, (name, answer))]
    for method, badge in badges.items():
        colour = {"colour": WRONG} if badge and badge.verdict == "fails" else {}
        tiles.append(Tile(photo.overlays[method], (TITLES[method], _verdict(badge)), **colour))
    return tiles


def _card(photo: Explained, badges: Mapping[str, Badge | None]) -> str:
    top = "<br>".join(f"{escape(name)}: {percent(share)}" for name, share in photo.top.items())
    of = f"<br>explained: {escape(photo.target)}" if photo.target not in [*photo.top][:1] else ""
    first = figure(photo.picture, f"<code>{escape(Path(photo.name).name)}</code><br>{top}{of}")
    rest = "".join(
        figure(each, f"{TITLES[name]}<br>{_verdict(badges[name])}")
        for name, each in photo.overlays.items()
    )
    return f'<div class="cards">{first}{rest}</div><br>'
