"""The GAN as one model: whose gradient reaches whom, targets, rates."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import training, zoo
from sightkit.apps.generative.gan import GAN, gan_optimizer
from sightkit.apps.generative.gan_callbacks import BalanceAdvice
from sightkit.apps.generative.picture_batches import PictureBatches
from sightkit.apps.generative.pixel_range import to_floats, to_uint8


def gan(seed=1, **options):
    keras.utils.set_random_seed(seed)
    guidelines = {"hidden": None, "kernel": 4}
    generator = zoo.DCGANGenerator((8, 8, 1), noise=5, filters=(6, 4), **guidelines)
    discriminator = zoo.DCGANDiscriminator(
        (8, 8, 1), filters=(4, 6), normalization="batch", **guidelines
    )
    return GAN(generator, discriminator, seed=seed, **options)


def pictures(count=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1), np.uint8)


def values(variables):
    return [keras.ops.convert_to_numpy(each.value).copy() for each in variables]


def crossentropy(logits, target):
    return keras.ops.mean(keras.ops.binary_crossentropy(target, logits, from_logits=True))


def test_each_network_gets_the_gradient_of_its_own_loss_alone():
    model, x = gan(), to_floats(pictures())
    model(x[:1])
    ours = len(model.generator.trainable_variables)

    def both(answers):
        return model.compute_loss(y_pred=answers)

    def of_discriminator(answers):
        fakes = crossentropy(answers["generated"], keras.ops.zeros((12, 1)))
        return (crossentropy(answers["real"], keras.ops.ones((12, 1))) + fakes) / 2

    def of_generator(answers):
        return crossentropy(answers["adversarial"], keras.ops.ones((12, 1)))

    total, found = training_gradients(model, x, both)
    (own, discriminator), (other, generator) = (
        training_gradients(model, x, each) for each in (of_discriminator, of_generator)
    )
    assert total == pytest.approx(own + other, abs=1e-5)
    for gradient, expected in zip(found[:ours], generator[:ours], strict=True):
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(gradient, expected, atol=1e-6)
    for gradient, expected in zip(found[ours:], discriminator[ours:], strict=True):
        np.testing.assert_allclose(gradient, expected, atol=1e-6)
    assert all((each == 0).all() for each in discriminator[:ours])
    assert all((each == 0).all() for each in generator[ours:])


def training_gradients(model, x, scalar):
    from sightkit.training.gradients import weight_gradients

    return weight_gradients(model, x, scalar)


def test_the_generators_logits_are_the_discriminators():
    answers = gan()(to_floats(pictures()), training=False)
    np.testing.assert_allclose(answers["adversarial"], answers["generated"], atol=1e-6)


@pytest.mark.slow
def test_one_step_moves_every_weight_of_both():
    model, x = gan(label_noise=0.05), to_floats(pictures())
    model.compile(gan_optimizer(model, 1e-2))
    model(x[:1])
    before = values(model.trainable_variables)
    model.fit(x, np.ones((12, 1)), batch_size=12, epochs=2, verbose=0)
    moved = zip(before, values(model.trainable_variables), strict=True)
    assert all((a != b).any() for a, b in moved)


@pytest.mark.slow
def test_the_discriminators_rate_is_its_own():
    steps = {}
    for factor in (1.0, 0.25):
        model, x = gan(), to_floats(pictures())
        model.compile(gan_optimizer(model, 1e-2, discriminator_rate=factor))
        model(x[:1])
        before = values(model.trainable_variables)
        model.fit(x, np.ones((12, 1)), batch_size=12, verbose=0)
        after = values(model.trainable_variables)
        steps[factor] = [b - a for a, b in zip(before, after, strict=True)]
    ours = len(model.generator.trainable_variables)
    for index, (one, other) in enumerate(zip(steps[1.0], steps[0.25], strict=True)):
        share = 1.0 if index < ours else 0.25
        np.testing.assert_allclose(share * one, other, atol=1e-5)


@pytest.mark.parametrize("noise", ("normal", "uniform"))
def test_targets_are_noisy_in_training_alone(noise):
    model, x = gan(noise=noise, smoothing=0.1, label_noise=0.2), to_floats(pictures(64))
    answers = {key: np.asarray(value) for key, value in model(x, training=True).items()}
    real, generated = answers["real_targets"], answers["generated_targets"]
    assert 0.7 <= real.min() < real.max() <= 0.9 and len(np.unique(real)) > 32
    assert 0 <= generated.min() < generated.max() <= 0.2
    quiet = model(x, training=False)
    assert np.asarray(quiet["real_targets"]).min() == 1 - 0
    assert np.asarray(quiet["generated_targets"]).max() == 0


def test_validation_draws_the_same_and_moves_no_seed():
    model, x = gan(), to_floats(pictures())
    before = values(model.variables)
    one, other = (np.asarray(model(x, training=False)["generated"]) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    for a, b in zip(before, values(model.variables), strict=True):
        np.testing.assert_array_equal(a, b)


def test_pictures_come_back_from_floats():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(to_uint8(to_floats(images)), images)
    x, real = PictureBatches(images.repeat(3, axis=0), batch_size=2)[0]
    assert (x.min(), x.max(), real.tolist()) == (-1, 1, [[1.0], [1.0]])


@pytest.mark.slow
def test_measuring_steps_leaves_it_as_it_was(tmp_path):
    model = gan()
    batches = PictureBatches(pictures(64), batch_size=8)
    model.compile(gan_optimizer(model, 1e-3))
    model(batches[0][0])
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = values(variables)
    plan = training.plan_execution(model, batches, folder=tmp_path, cache=tmp_path / "cache")
    assert plan.seconds_per_step
    for a, b in zip(before, values(variables), strict=True):
        np.testing.assert_array_equal(a, b)


LOSSES = {
    "wins": ([(0.5, 1.0), (0.05, 4.0), (0.01, 6.0)], 1),
    "wins at once": ([(0.02, 5.0)], 1),
    "balance": ([(0.6, 0.8), (0.4, 1.9), (0.5, 2.3)], 0),
    "sure but not climbing": ([(0.5, 5.0), (0.05, 4.5), (0.05, 4.0)], 0),
    "climbing but not sure": ([(0.5, 1.0), (0.3, 4.0), (0.2, 6.0)], 0),
}


@pytest.mark.parametrize("name", LOSSES)
def test_advice_is_given_once_where_one_side_wins(name, capsys):
    epochs, expected = LOSSES[name]
    advice = BalanceAdvice(dropout=0.3, rate=1.0)
    for epoch, (own, other) in enumerate(epochs):
        again = BalanceAdvice(dropout=0.3, rate=1.0)
        again.set_state(advice.get_state())  # a resumed run has not forgotten
        advice = again
        advice.on_epoch_end(epoch, {"discriminator_loss": own, "adversarial_loss": other})
    told = capsys.readouterr().err
    assert told.count("The discriminator wins") == expected
    if expected:
        assert "--discriminator-rate 0.5" in told and "--dropout 0.5" in told
