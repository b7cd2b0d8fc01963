"""Initializers: variance by the formula and as Keras', names, shapes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import INITIALIZERS, fans, initialize

SHAPES = ((300, 200), (3, 3, 64, 96))
VARIANCES = {
    "constant": lambda n_in, n_out: 0,
    "uniform": lambda n_in, n_out: 0.05**2 / 3,
    "normal": lambda n_in, n_out: 0.01**2,
    "lecun": lambda n_in, n_out: 1 / n_in,
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
}
OF_KERAS = {
    "lecun": keras.initializers.LecunNormal,
    "glorot": keras.initializers.GlorotNormal,
    "he": keras.initializers.HeNormal,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_variance_is_the_formulas_and_keras(name, shape, rng):
    weights = initialize(name, shape, rng)
    assert weights.shape == shape and abs(weights.mean()) < 1e-3
    assert weights.var() == pytest.approx(VARIANCES[name](*fans(shape)), rel=0.03)
    if name in OF_KERAS:
        theirs = keras.ops.convert_to_numpy(OF_KERAS[name](seed=0)(shape))
        assert weights.std() == pytest.approx(theirs.std(), rel=0.03)


def test_he_keeps_the_signal_through_ten_layers_of_relu(rng):
    def deviation(name):
        x = np.random.default_rng(1).normal(size=(200, 256))
        for _ in range(10):
            x = np.maximum(x @ initialize(name, (256, 256), rng), 0)
        return x.std()

    assert deviation("he") == pytest.approx(1, abs=0.5)
    assert deviation("lecun") < 0.1 and deviation("normal") < 1e-8


def test_an_unknown_name_or_shape_is_refused(rng):
    with pytest.raises(SightkitError, match=r"initializer='hee'.* he"):
        initialize("hee", (2, 2), rng)
    for shape in ((3,), (0, 2)):
        with pytest.raises(SightkitError, match="two dimensions"):
            initialize("he", shape, rng)
