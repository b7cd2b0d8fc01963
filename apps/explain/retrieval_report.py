"""Search a gallery and print what was found: precision@k, by class, and the neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit._errors import visible
from sightkit._tables import percent, text_table
from sightkit.apps.explain.retrieval import Answer, Retrieval
from sightkit.evaluation import PhotoFolder

LISTED = 10
"""Photos whose neighbours are printed one by one."""


def own_answers(
    retrieval: Retrieval, rows: int, seed: int = 0
) -> tuple[list[Answer], dict[str, Any]]:
    """Compare each photo of a gallery with the others; print precision@k where it has classes.

    Args:
        retrieval: the gallery.
        rows: photos of a sheet: the first half drawn at random, the others the hardest.
        seed: of the draw.

    Returns:
        Those photos with their neighbours and pictures; and the figures, JSON.
    """
    found = retrieval.own()
    labels = retrieval.labels
    count = len(retrieval.values)
    drawn = np.random.default_rng(seed).permutation(count)[:rows].tolist()
    if labels is None:
        return retrieval.answers(found, drawn), {"photos": count, "k": retrieval.k}
    names, precision = retrieval.features.class_names, found.precision(labels, labels)
    hard = np.argsort(precision, kind="stable").tolist()
    easy = [row for row in drawn if row not in hard[: rows // 2]][: rows - rows // 2]
    shown = [*easy, *[row for row in hard if row not in easy][: rows - len(easy)]]
    result: dict[str, Any] = {
        "photos": count,
        "k": retrieval.k,
        "precision": float(precision.mean()),
        "per_class": {
            name: float(precision[labels == label].mean()) for label, name in enumerate(names)
        },
    }
    plain = ""
    if retrieval.learned:
        cosine = retrieval.own(learned=False).precision(labels, labels)
        result["precision_cosine"] = float(cosine.mean())
        plain = f", the plain cosine's {percent(result['precision_cosine'])}"
    table = [{"class": name, "precision": share} for name, share in result["per_class"].items()]
    print(text_table(table, longest=50, more="the gallery"))
    print(
        f"precision@{retrieval.k} {percent(result['precision'])}{plain}: each of {count:,} photos "
        "is compared with the others."
    )
    return retrieval.answers(found, shown), result


def photo_answers(
    retrieval: Retrieval, photos: PhotoFolder, rows: int
) -> tuple[list[Answer], dict[str, Any]]:
    """Search a gallery for photos; print neighbours of a few, and precision@k if known.

    Args:
        retrieval: the gallery.
        photos: to be searched for.
        rows: photos of a sheet, the first ones.

    Returns:
        Those photos with their neighbours and pictures; and what was found, JSON: by photo its
        neighbours, and the mean ``precision`` of photos of known class, or None.
    """
    answers = retrieval.search(photos, rows)
    for answer in answers if len(answers) <= LISTED else []:
        print(visible(answer.name))
        for each in answer.neighbours:
            print(f"  {each.similarity:6.3f}  {visible(each.class_name)}  {visible(each.name)}")
    shares = [answer.precision for answer in answers if answer.precision is not None]
    if shares:
        mean = percent(float(np.mean(shares)))
        print(f"precision@{retrieval.k} {mean} (photos of known class: {len(shares):,}).")
    found = {
        answer.name: [
            {"name": each.name, "class": each.class_name, "similarity": each.similarity}
            for each in answer.neighbours
        ]
        for answer in answers
    }
    precision = float(np.mean(shares)) if shares else None
    return answers[:rows], {"precision": precision, "neighbours": found}
