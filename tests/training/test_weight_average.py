from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.training import use_average, with_gradient_noise, with_weight_average

SGD = keras.optimizers.SGD


class Batches(keras.utils.PyDataset):
    """Four batches of six, other ones each epoch."""

    epoch = 5

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rng = np.random.default_rng([self.epoch, index])
        x = (3 * rng.random((6, 4, 4, 2)) - 1).astype("float32")
        return x, rng.integers(0, 3, 6)

    def set_epoch(self, epoch, first_batch=0):
        self.epoch = epoch


def network():
    keras.utils.set_random_seed(0)
    images = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 2, activation="relu")(images)
    x = zoo.BatchNormalization(name="first")(x)
    x = keras.layers.BatchNormalization(name="second")(keras.layers.Flatten()(x))
    return keras.Model(images, keras.layers.Dense(3, activation="softmax")(x))


def compiled(make):
    model = network()
    model.compile(make(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    return model


def arrays(variables):
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def steps(model, count):
    """Train, and give the trainable weights after each step."""
    data, found = Batches(), []
    for index in range(count):
        model.train_on_batch(*data[index % len(data)])
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()
        found.append(arrays(model.trainable_variables))
    return found


def averages(model):
    return arrays(average for _, average in model.optimizer.averages)


def close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("start", "every"),
    ((2, 3), *(pytest.param(*each, marks=pytest.mark.slow) for each in ((0, 1), (3, 2)))),
)
def test_the_mean_is_that_of_the_steps_asked_for(start, every):
    model = compiled(with_weight_average(SGD, start=start, every=every))
    seen = steps(model, 8)[start::every]
    close(averages(model), [np.mean(values, axis=0) for values in zip(*seen, strict=True)])
    assert model.optimizer.averaged == len(seen)


def test_an_exponential_average_has_no_bias_at_its_beginning():
    model = compiled(with_weight_average(SGD, decay=0.75))
    seen = steps(model, 8)
    expected = seen[0]
    for number, values in enumerate(seen[1:], start=2):
        rate = max(0.25, 1 / number)
        expected = [a + rate * (b - a) for a, b in zip(expected, values, strict=True)]
    close(averages(model), expected)


@pytest.mark.slow
def test_training_is_not_changed_by_it():
    averaged, plain = compiled(with_weight_average(SGD)), compiled(SGD)
    for ours, theirs in zip(steps(averaged, 5), steps(plain, 5), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_a_training_that_goes_on_from_its_state_ends_equal():
    def train(epochs, first=0, state=None):
        model = compiled(with_weight_average(with_gradient_noise(SGD, seed=1), decay=0.9, start=2))
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        for variable, value in zip(variables, state or (), strict=state is not None):
            variable.assign(value)
        data = Batches()
        model.fit(data, initial_epoch=first, epochs=epochs, shuffle=False, verbose=0)
        return arrays(variables)

    whole, resumed = train(2), train(2, 1, train(1))
    assert all(np.array_equal(a, b) for a, b in zip(whole, resumed, strict=True))


def test_the_network_gets_the_average_and_statistics_that_fit_it():
    model = compiled(with_weight_average(SGD, start=1))
    steps(model, 6)
    expected = averages(model)
    data = Batches()
    use_average(model, data)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(arrays(model.trainable_variables), expected, strict=True)
    )
    batches = [Batches()[0][0]]
    plain = Batches()
    plain.set_epoch(0)
    batches = [plain[index][0] for index in range(4)]
    before = keras.Model(model.input, model.get_layer("first").input)
    outputs = [keras.ops.convert_to_numpy(before(x)) for x in batches]
    first = model.get_layer("first")
    close(
        arrays([first.moving_mean, first.moving_variance]),
        [
            np.mean([out.mean((0, 1, 2)) for out in outputs], axis=0),
            np.mean([out.var((0, 1, 2)) for out in outputs], axis=0),
        ],
    )
    assert first.momentum == model.get_layer("second").momentum == 0.99


@pytest.mark.slow
def test_it_says_the_same_wherever_the_data_stood():
    found = []
    for epoch in (0, 7):
        model = compiled(with_weight_average(SGD))
        steps(model, 3)
        data = Batches()
        data.set_epoch(epoch)
        use_average(model, data)
        found.append(arrays(model.variables))
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.slow
def test_nothing_averaged_is_refused():
    late = compiled(with_weight_average(SGD, start=9))
    steps(late, 2)
    for model in (late, compiled(SGD)):
        with pytest.raises(SightkitError, match="must have averaged weights"):
            use_average(model, Batches())


@pytest.mark.parametrize("options", ({"decay": 0}, {"decay": 1.1}, {"start": -1}, {"every": 0}))
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(SightkitError, match=f"{next(iter(options))}="):
        with_weight_average(SGD, **options)
