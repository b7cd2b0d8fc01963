"""The bar: precision@5 of real photos, all that is learned on the gallery of 270 alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sightkit import transfer
from sightkit.apps.explain.gallery import open_gallery
from sightkit.apps.explain.metric import choose_metric
from sightkit.apps.explain.neighbours import nearest

MODEL = "mobilenetv2_0.35"


@pytest.mark.faults
def test_precision_of_a_learned_metric_is_above_that_of_the_cosine(test_data, tmp_path):
    if not transfer.weights_available(MODEL, include_top=False):
        pytest.skip(f"the weights of {MODEL} are not here")
    features = open_gallery(test_data / "animals", tmp_path, model=MODEL)
    x, y = features.take(slice(None))[features.order], features.labels[features.order]
    found = []
    for seed in range(5):
        rest, held = train_test_split(np.arange(359), test_size=89, stratify=y, random_state=seed)
        metric, _ = choose_metric(x[rest], y[rest], features.class_names)
        pairs = ((x[held], x[rest]), (metric(x[held]), metric(x[rest])))
        found.append([nearest(*pair).precision(y[held], y[rest]).mean() for pair in pairs])
    cosine, learned = np.mean(found, axis=0)
    assert cosine == pytest.approx(0.919, abs=0.005)
    assert learned >= 0.95
