from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.training import with_gradient_noise

SGD = keras.optimizers.SGD


def noises(optimizer, steps, shapes=((100, 200), (50,))):
    """What a rate of 1 subtracts beside gradients of 2, step by step."""
    variables = [keras.Variable(np.zeros(shape, "float32")) for shape in shapes]
    optimizer.build(variables)
    found = []
    for _ in range(steps):
        before = [keras.ops.convert_to_numpy(v.value) for v in variables]
        optimizer.apply([keras.ops.full(shape, 2.0) for shape in shapes], variables)
        after = [keras.ops.convert_to_numpy(v.value) for v in variables]
        found.append([b - a - 2 for a, b in zip(after, before, strict=True)])
    return found


def test_its_variance_is_the_papers_at_every_step():
    for step, (large, _) in enumerate(noises(with_gradient_noise(SGD, eta=0.3, seed=1)(1.0), 4)):
        assert abs(large.mean()) < 0.02
        assert large.var() == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.05)
    (slow,) = noises(with_gradient_noise(SGD, eta=1.0, gamma=0.0)(1.0), 1)
    assert slow[0].var() == pytest.approx(1.0, rel=0.05)


def test_no_two_steps_variables_or_seeds_share_their_numbers():
    shapes = ((50, 50), (50, 50))
    drawn = [
        values.ravel() / values.std()
        for seed in (1, 2)
        for step in noises(with_gradient_noise(SGD, seed=seed)(1.0), 2, shapes)
        for values in step
    ]
    assert np.abs(np.corrcoef(drawn) - np.eye(8)).max() < 0.1


def test_noise_depends_on_the_step_so_a_resume_draws_the_same():
    make = with_gradient_noise(SGD, seed=3)
    expected = noises(make(1.0), 3)[2]
    resumed = make(1.0)
    resumed.iterations.assign(2)
    (found,) = noises(resumed, 1)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)  # other sums, the same noise


def network():
    keras.utils.set_random_seed(0)
    images = keras.Input((6,))
    x = keras.layers.Dropout(0.2)(keras.layers.Dense(8, activation="relu")(images))
    return keras.Model(images, keras.layers.Dense(3, activation="softmax")(x))


def data():
    rng = np.random.default_rng(0)
    return rng.random((24, 6)).astype("float32"), rng.integers(0, 3, 24)


def train(make, epochs, state=None):
    """Weights and all state after so many epochs of ``fit``, begun with ``state``."""
    model = network()
    model.compile(make(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    for variable, value in zip(variables, state or (), strict=state is not None):
        variable.assign(value)
    x, y = data()
    model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


@pytest.mark.slow
def test_a_training_that_goes_on_from_its_state_ends_equal():
    make = with_gradient_noise(SGD, seed=1)
    whole, resumed = train(make, 2), train(make, 1, train(make, 1))
    assert all(np.array_equal(a, b) for a, b in zip(whole, resumed, strict=True))
    plain = train(SGD, 2)
    assert not np.allclose(whole[0], plain[0])


def test_no_noise_is_the_plain_optimizer():
    silent, plain = train(with_gradient_noise(SGD, eta=0.0), 2), train(SGD, 2)
    assert all(np.array_equal(a, b) for a, b in zip(silent, plain, strict=True))


@pytest.mark.parametrize("options", ({"eta": -1}, {"gamma": -0.1}, {"seed": -1}))
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(SightkitError, match=f"{next(iter(options))}="):
        with_gradient_noise(SGD, **options)


def test_an_instance_is_refused():
    with pytest.raises(SightkitError, match=r"class of an optimizer.*SGD\)"):
        with_gradient_noise(SGD(0.1))
