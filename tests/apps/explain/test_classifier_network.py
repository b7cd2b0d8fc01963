"""Networks with a linear head are explained as one Keras model that answers as they do."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import transfer
from sightkit._errors import SightkitError
from sightkit.apps.explain import Explainer, explain

NAMES = ("dark", "light", "red")


@pytest.fixture(scope="module")
def networks():
    return [
        transfer.open_network("minivggnet", random=True, layer=layer)
        for layer in ("block2_pool", "block1_pool")
    ]


def photos(count: int = 18) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shades = np.array([(40, 40, 40), (200, 200, 200), (200, 40, 40)])
    return [
        (shades[k % 3] + rng.integers(-40, 40, (36, 48, 3))).astype(np.uint8) for k in range(count)
    ]


def classifier(networks, kind, classes: int = 3, **options) -> transfer.FeatureClassifier:
    images = [photo for k, photo in enumerate(photos()) if k % 3 < classes]
    labels = np.arange(len(images)) % classes
    features = [network.features(network.prepare(images)) for network in networks]
    fitted = transfer.fit_head(
        kind, np.concatenate(features, axis=1), labels, NAMES[:classes], strengths=(1.0,), **options
    )
    before = (None,) * len(networks)
    return transfer.FeatureClassifier(tuple(networks), before, fitted.head, NAMES[:classes], {})


@pytest.mark.parametrize(
    ("kind", "classes", "options"),
    (
        ("logistic", 3, {}),
        ("logistic", 2, {}),
        ("logistic", 3, {"multiclass": "ovr"}),
        ("softmax", 3, {}),
        ("svm", 3, {}),
    ),
)
@pytest.mark.parametrize("count", (1, 2))
def test_a_linear_head_becomes_a_dense_layer(networks, kind, classes, options, count):
    found = classifier(networks[:count], kind, classes, **options)
    explainer = Explainer(found)
    images = photos(6)
    inputs = explainer.prepare(images)
    scores = explainer.scores(inputs)
    answers = found.predict(images)
    assert scores.shape == answers.shape
    assert (scores.argmax(axis=1) == answers.argmax(axis=1)).all()
    assert explainer.class_names == NAMES[:classes]
    maps = explain(explainer, inputs, "dark", method="grad_cam")
    assert maps.shape == (6, *explainer.pixels(inputs).shape[1:3])


@pytest.mark.parametrize(("kind", "options"), (("knn", {}), ("logistic", {"multiclass": "ovo"})))
def test_a_head_that_is_not_linear_is_refused(networks, kind, options):
    with pytest.raises(SightkitError, match="linear"):
        Explainer(classifier(networks[:1], kind, **options))
