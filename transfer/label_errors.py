"""Likely label errors: photos whose held-out prediction is another class."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit.transfer.feature_file import Features
from sightkit.transfer.head_run import training_rows
from sightkit.transfer.heads.fitting import fit_head
from sightkit.transfer.rows import groups_of


def suspicious_labels(
    features: Features,
    *,
    folds: int = 5,
    labels: np.ndarray | None = None,
    groups: str | None = None,
) -> list[dict[str, Any]]:
    """Return all photos, the most likely label errors first.

    Logistic regression, its C chosen for accuracy by the same cross-validation: each photo is
    predicted by the fold that held it out. Wrong labels are in the training photos, too; a few in a
    hundred hardly move a regularised head.

    Args:
        features: from ``open_features``.
        folds: of the cross-validation; with more of them each head sees more photos.
        labels: int64 (N,), instead of the file's.
        groups: rule of photos that stay in one fold, see ``io.Grouping``; those that are stored
            with the features when left out.

    Returns:
        A dict a photo: ``row`` in the feature file; ``photo``, its source; ``label``, its class;
        ``suggested``, the most probable among the other classes; ``label_probability`` and
        ``suggested_probability`` of the two, by a head that was not trained on the photo;
        ``doubt``, the latter less the former, −1 to 1.

    Raises:
        SightkitError: features that are not finite, or a class with fewer photos than folds.
    """
    features.require_finite()
    order = features.order
    labels = (features.labels if labels is None else labels)[order]
    names = groups_of(features, groups)
    found = fit_head(
        "logistic",
        training_rows(features, order),
        labels,
        features.class_names,
        folds=folds,
        groups=None if names is None else names[order],
    )
    index = np.arange(len(labels))
    own = found.held_out[index, labels]
    others = found.held_out.copy()
    others[index, labels] = -1
    doubt = others.max(axis=1) - own
    sources = features.sources()
    return [
        {
            "row": int(order[row]),
            "photo": sources[order[row]],
            "label": features.class_names[labels[row]],
            "suggested": features.class_names[others[row].argmax()],
            "label_probability": float(own[row]),
            "suggested_probability": float(others[row].max()),
            "doubt": float(doubt[row]),
        }
        for row in np.argsort(-doubt, kind="stable")
    ]
