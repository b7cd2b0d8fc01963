"""Wrong shapes are refused in a line, by each function of arrays; right ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps import foundations as f
from sightkit.apps.foundations import shapes

rng = np.random.default_rng(0)


def some(*shape):
    return rng.normal(size=shape)


PICTURES, KERNELS, LABELS = some(2, 6, 6, 3), some(3, 3, 3, 4), np.array([0, 1, 2, 3, 0])
POOLED, PLACES = f.max_pooling(PICTURES)
X, W_X, W_H, BIAS = some(2, 5, 3), some(3, 16), some(4, 16), some(16)
TRACE = f.lstm(X, W_X, W_H, BIAS)
CALLS = (
    (f.distances, some(2, 4), some(3, 4)),
    (f.hinge, some(5, 4), LABELS),
    (f.squared_hinge, some(5, 4), LABELS),
    (f.cross_entropy, some(5, 4), LABELS),
    (f.binary_cross_entropy, some(5), some(5)),
    (f.squared_error, some(5, 2), some(5, 2)),
    (f.average, some(3, 5), some(3) ** 2),
    (lambda x: f.powers(x, 2), some(5)),
    (f.parametric_relu, some(5, 4), some(4)),
    (f.parametric_relu_backward, some(5, 4), some(5, 4), some(4)),
    (f.maxout, some(5, 4), some(3, 4, 2), some(3, 2)),
    (f.maxout_backward, some(5, 2), some(5, 4), some(3, 4, 2), some(3, 2)),
    (f.batch_normalization, some(5, 4), some(4), some(4)),
    (f.batch_normalization_backward, some(5, 4), some(5, 4), some(4)),
    (lambda x: f.MovingMoments(4).update(x), some(5, 4)),
    (f.MovingMoments(4).normalize, some(5, 4), some(4), some(4)),
    (f.convolution, PICTURES, KERNELS, some(4)),
    (f.convolution_backward, some(2, 4, 4, 4), PICTURES, KERNELS),
    (f.correlate, some(6, 5), some(3, 3)),
    (f.convolve, some(6, 5, 3), some(3, 3)),
    (f.max_pooling, PICTURES),
    (lambda u, p: f.max_pooling_backward(u, p, (2, 6, 6, 3)), POOLED, PLACES),
    (f.average_pooling, PICTURES),
    (lambda u: f.average_pooling_backward(u, (2, 6, 6, 3)), POOLED),
    (f.nearest, POOLED),
    (f.nearest_backward, PICTURES),
    (f.bed_of_nails, POOLED),
    (f.bed_of_nails_backward, PICTURES),
    (f.max_unpooling_backward, PICTURES, PLACES),
    (f.transposed_convolution, some(2, 4, 4, 4), KERNELS),
    (f.transposed_convolution_backward, some(2, 9, 9, 3), some(2, 4, 4, 4), KERNELS),
    (f.recurrent, X, some(3, 4), some(4, 4), some(4)),
    (f.recurrent_backward, some(2, 5, 4), X, some(2, 5, 4), some(3, 4), some(4, 4)),
    (f.lstm, X, W_X, W_H, BIAS),
    (lambda u, x, w, v: f.lstm_backward(u, x, TRACE, w, v), some(2, 5, 4), X, W_X, W_H),
    (f.dropout_backward, some(3, 2), some(3, 2)),
    (f.relative_error, some(3, 2), some(3, 2)),
    (lambda a, b: f.crossing(a, b, [1, 2, 3]), some(5, 3), some(5, 3)),
    (f.NeuralNetwork.dense((4, 4)).forward, some(5, 4)),
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: getattr(call[0], "__name__", ""))
def test_a_wrong_shape_is_one_line(call):
    function, *given = call
    function(*given)
    spoilt = (np.ravel, lambda x: x[0], lambda x: x[None], lambda x: np.repeat(x, 2, axis=-1))
    refused = 0
    for place in range(len(given)):
        for spoil in (*spoilt, lambda x: x[..., :-1], np.ndarray.tolist, np.sum):
            bad = [spoil(each) if k == place else each for k, each in enumerate(given)]
            try:
                function(*bad)
            except SightkitError:
                refused += 1
    assert refused >= 2  # whatever fits, as ravel of a vector, is answered; nothing fails raw


def test_what_is_refused_and_what_is_not():
    shapes.check(x=(np.ones((2, 3, 4)), "N ... 4"), y=(np.ones((2, 3)), "N ..."))
    with pytest.raises(SightkitError, match=r"x \(N, K\), y \(K\)\. Received: x=\(2, 3\), y=\(2,"):
        shapes.check(x=(np.ones((2, 3)), "N K"), y=(np.ones(2), "K"))
    with pytest.raises(SightkitError, match=r"x=\(2, 3\)"):
        shapes.check(x=(np.ones((2, 3)), "N 4"))
    with pytest.raises(SightkitError, match=r"x=\[1, 2\]\. .*np\.asarray"):
        shapes.check(x=([1, 2], "..."))


def test_a_network_refuses_before_it_learns():
    network = f.NeuralNetwork.dense((4, 3))
    with pytest.raises(SightkitError, match=r"y=\(4,\)"):
        network.fit(some(5, 4), LABELS[:4], 1)
    with pytest.raises(SightkitError, match="from 0 to 2"):
        network.fit(some(5, 4), LABELS, 1, batch_size=1)
    assert not network.parameters[1].any()
