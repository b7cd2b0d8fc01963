"""Attack photos part by part, and write what came of it into a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit.apps.explain.adversarial import Attack, Method
from sightkit.apps.explain.attack_sheet import attack_tiles, draw_curve
from sightkit.apps.explain.epsilon import EPSILONS
from sightkit.apps.explain.network_flags import labels_of
from sightkit.apps.explain.tiles import Tile, draw_tiles
from sightkit.io import read_image, write_png
from sightkit.training.classifier import Classifier

PICTURES, SHEET, CURVE = "adversarial", "sheet.png", "accuracy.png"
SHOWN = 12
"""Photos on the sheet."""


def attack_photos(
    classifier: Classifier,
    photos: Iterable[Mapping[str, np.ndarray]],
    folder: Path,
    *,
    method: Method,
    epsilon: float,
    target: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Attack photos; write the adversarial pictures, a sheet, and the curve where labels are known.

    A chain that crops would not see all of a saved picture: it is saved in a mirrored border, of
    which the chain makes this very picture again. The answers are those to the saved files.

    Args:
        classifier: a bundle.
        photos: parts, path to uint8 (H, W, 3).
        folder: empty.
        method: that attacks.
        epsilon: see ``Attack.fgsm``.
        target: class that the answers are led to.
        seed: of PGD's start.

    Returns:
        JSON: the answers before and after of each photo, the share of answers that changed, and,
        where labels are known, the accuracy before and after and for each ε.
    """
    attack = Attack(classifier)
    options: dict[str, Any] = {"target": target}
    if method == "pgd":
        options["seed"] = seed
    (folder / PICTURES).mkdir()
    found: list[dict[str, Any]] = []
    tiles: list[Tile] = []
    right, known = np.zeros(len(EPSILONS)), 0
    for part in photos:
        pictures, labels = attack.pictures(list(part.values())), [*labels_of(classifier, [*part])]
        first = attack.predict(pictures)
        predicted = zip(labels, first.argmax(axis=1), strict=True)
        truth = np.array([int(best) if label is None else label for label, best in predicted])
        changed = attack.run(method, pictures, truth, epsilon=epsilon, **options)
        for name, before, after, answer, label in zip(
            part, pictures, changed, first, labels, strict=True
        ):
            path = _free(folder / PICTURES, Path(name).stem)
            write_png(path, attack.chain.framed(after))
            saved = read_image(path)
            found.append({
                "name": name,
                "file": path.relative_to(folder).as_posix(),
                "truth": None if label is None else classifier.class_names[label],
                "answer_before": _best(classifier, answer),
                "answer_after": _best(classifier, classifier.predict([saved])[0]),
            })  # fmt: skip
            if len(found) <= SHOWN:
                tiles += attack_tiles(before, attack.pictures([saved])[0], found[-1])
        if rows := [index for index, label in enumerate(labels) if label is not None]:
            shares = attack.accuracy(pictures[rows], truth[rows], method=method, **options)
            right, known = right + np.array(shares) * len(rows), known + len(rows)
    name = method.upper()
    words = f"{name}, ε = {255 * epsilon:g} grey levels" + (f", led to {target}" if target else "")
    draw_tiles(tiles, 6 if len(found) > 2 else 3, folder / SHEET, title=words, side=200)
    result = {
        "method": method,
        "epsilon": epsilon,
        "target": target,
        "photos": found,
        "changed": float(np.mean([p["answer_before"][0] != p["answer_after"][0] for p in found])),
    }
    if known:
        curve = [float(share) for share in right / known]
        draw_curve(EPSILONS, curve, folder / CURVE, f"{name}, {known} photos")
        result |= {
            "labelled": known,
            **{f"accuracy_{when}": _accuracy(found, when) for when in ("before", "after")},
            "accuracy_by_epsilon": dict(zip(map(str, EPSILONS), curve, strict=True)),
        }
    return result


def _accuracy(found: Sequence[Mapping[str, Any]], when: str) -> float:
    named = [each for each in found if each["truth"] is not None]
    return float(np.mean([each[f"answer_{when}"][0] == each["truth"] for each in named]))


def _best(classifier: Classifier, probabilities: np.ndarray) -> tuple[str, float]:
    best = int(probabilities.argmax())
    return classifier.class_names[best], float(probabilities[best])


def _free(folder: Path, stem: str) -> Path:
    """Return a path whose name no other photo of this command has."""
    path, number = folder / f"{stem}.png", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.png", number + 1
    return path
