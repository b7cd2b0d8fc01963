"""The worst mistakes of a trained network, explained: what it looked at, what it took them for."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, _run_files, evaluation, training, transfer
from sightkit._tables import percent
from sightkit.apps.explain.explainer import Explainer
from sightkit.apps.explain.explanation import badge_table, badges_of, figure
from sightkit.apps.explain.layer_calls import last_spatial
from sightkit.apps.explain.method_names import TITLES
from sightkit.apps.explain.methods import METHODS, explain
from sightkit.apps.explain.neighbours import Neighbour
from sightkit.apps.explain.overlay import overlay
from sightkit.apps.explain.training_neighbours import TrainingNeighbours
from sightkit.evaluation.html import html_page, section

SIDE = 160
"""Pixels to which small images grow, by whole factors."""
NEIGHBOURS = 3


def explain_run(
    run: Path,
    data: Path,
    page: Path,
    *,
    split: str = "test",
    count: int = 12,
    measure: bool = False,
) -> list[dict[str, Any]]:
    """Write a page about the worst mistakes of a trained network.

    Beside each of the worst mistakes are the places that spoke for the wrong answer and for the
    right one, and the three training photos that are nearest in the network's own features.

    Args:
        run: folder of a training.
        data: dataset file that it was trained on.
        page: file to write, HTML.
        split: of the mistakes.
        count: mistakes, the worst first.
        measure: measure the badge of the method, on up to 64 images of the split.

    Returns:
        JSON: of each mistake name, true and predicted class, and its neighbours.

    Raises:
        SightkitError: no bundle of one network, or data that it was not trained on.
    """
    bundle = training.load_bundle(run / _run_files.BUNDLE)
    opened, predictor = transfer.open_for_evaluation(bundle, data, split=split)
    batches: Any = opened.batches
    test = evaluation.evaluate(predictor, batches)
    rows = test.worst_mistakes(count)
    explainer = Explainer(bundle)
    prepare = batches.data.preprocessors.batch
    sample = prepare(batches.images(np.arange(min(64, len(test.labels)))))
    method = "grad_cam" if last_spatial(explainer.calls(sample)) else "integrated_gradients"
    badges = badges_of(explainer, [method], sample if measure else None)
    mistakes = evaluation.mistakes_of(test, evaluation.Samples.of(batches), len(rows))
    cards: list[str] = []
    found: list[dict[str, Any]] = []
    if mistakes:
        images = batches.images(rows)
        inputs = prepare(images)
        maps = [
            explain(explainer, inputs, classes[rows], method=method)
            for classes in (test.predictions, test.labels)
        ]
        near = TrainingNeighbours(bundle, data).of(list(images), NEIGHBOURS, stored=True)
        for mistake, image, taken, true, neighbours in zip(
            mistakes, images, *maps, near, strict=True
        ):
            large = _enlarged(image)
            marked = [overlay(large, each, signed=METHODS[method].signed) for each in (taken, true)]
            cards.append(_card(mistake, large, marked, neighbours))
            nearest = [(n.name, n.class_name, round(n.similarity, 4)) for n in neighbours]
            names = {"name": mistake.name, "true": mistake.true, "predicted": mistake.predicted}
            found.append({**names, "neighbours": nearest})
    title = _files.stored_json(run / _run_files.CONFIG).get("experiment", run.resolve().name)
    wrong = int((test.predictions != test.labels).sum())
    text = (
        f"{wrong:,} of {len(test.labels):,} images were classified wrongly; the {len(mistakes)} "
        f"worst are here. Yellow: what {TITLES[method]} finds the answer to depend on most. Beside "
        "it: the training images that the network itself takes to be most alike, with the cosine "
        "of their features. Where these are of the wrong class, look at their labels, or for more "
        "images like the mistake."
    )
    sections = [
        f"<header><h1>{escape(str(title))}: its worst mistakes explained</h1></header>",
        f"<p>{escape(text)}</p>",
        *cards,
        section("What the method is worth on this network", badge_table(badges)),
    ]
    _files.write_text(page, html_page("Mistakes explained", sections))
    return found


def _card(
    mistake: Any, image: np.ndarray, marked: list[np.ndarray], neighbours: list[Neighbour]
) -> str:
    true, predicted = escape(mistake.true), escape(mistake.predicted)
    figures = [
        figure(image, f"<strong>{true}</strong><br><code>{escape(mistake.name)}</code>"),
        figure(marked[0], f"for <strong>{predicted}</strong>: {percent(mistake.probability)}"),
        figure(marked[1], f"for <strong>{true}</strong>: {percent(mistake.true_probability)}"),
        *(
            figure(
                _enlarged(each.image),
                f"training image: <strong>{escape(each.class_name)}</strong><br>"
                f"similarity {each.similarity:.3f}<br><code>{escape(each.name)}</code>",
            )
            for each in neighbours
        ),
    ]
    return section(f"{true} taken for {predicted}", f'<div class="cards">{"".join(figures)}</div>')


def _enlarged(image: Any) -> np.ndarray:
    """Return a small image larger, its pixels square."""
    factor = max(1, SIDE // max(image.shape[:2]))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
