"""The fused layer against a float64 reference, and against Keras' own layer."""

import keras
import numpy as np
import pytest

from sightkit import zoo

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the fused kernel is TensorFlow's"
)
SHAPE = (6, 5, 4, 3)
IMAGES = np.random.default_rng(0).normal(3, 2, SHAPE).astype("float32")
# A direction for the gradients; a plain sum has none, normalized values sum to zero.
WEIGHTS = np.random.default_rng(1).normal(size=SHAPE).astype("float32")


@pytest.fixture
def kernel_calls(monkeypatch):
    calls = []
    original = zoo.BatchNormalization._kernel

    def counted(self, *args, **kwargs):
        calls.append(kwargs["training"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(zoo.BatchNormalization, "_kernel", counted)
    return calls


def layer(kind=zoo.BatchNormalization, **options):
    made = kind(**options)
    made.build(SHAPE)
    random = np.random.default_rng(2)
    for weight in made.weights:
        weight.assign(random.uniform(0.5, 1.5, weight.shape))
    return made


def reference(made, images, weights):
    """Output, batch mean and variance, and the gradients of sum(weights · output), in float64."""
    x, w = images.astype("float64"), weights.astype("float64")
    gamma = np.ones(3) if made.gamma is None else made.gamma.numpy().astype("float64")
    beta = np.zeros(3) if made.beta is None else made.beta.numpy().astype("float64")
    axes, count = (0, 1, 2), x[..., 0].size
    mean, variance = x.mean(axes), x.var(axes)
    scale = 1 / np.sqrt(variance + made.epsilon)
    normal = (x - mean) * scale
    d_beta, d_gamma = w.sum(axes), (w * normal).sum(axes)
    d_x = gamma * scale * (w - d_beta / count - normal * d_gamma / count)
    return normal * gamma + beta, mean, variance, d_x, d_gamma, d_beta


def gradients(made, images, weights, training=True):
    import tensorflow as tf

    inputs = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = made(inputs, training=training)
        loss = tf.reduce_sum(tf.cast(outputs, "float32") * weights)
    sources = [inputs, *(weight.value for weight in made.trainable_weights)]
    return outputs.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, sources)]


@pytest.mark.parametrize(
    "options",
    [{}, {"scale": False}, {"center": False}, {"epsilon": 2e-5, "momentum": 0.9}, {"axis": 3}],
)
def test_output_statistics_and_gradients(options, kernel_calls):
    made = layer(**options)
    old_mean, old_variance = made.moving_mean.numpy(), made.moving_variance.numpy()
    expected, mean, variance, *wanted = reference(made, IMAGES, WEIGHTS)
    outputs, found = gradients(made, IMAGES, WEIGHTS)
    assert kernel_calls == [True]
    np.testing.assert_allclose(outputs, expected, atol=2e-6)
    kept = made.momentum
    np.testing.assert_allclose(made.moving_mean, kept * old_mean + (1 - kept) * mean, rtol=1e-6)
    np.testing.assert_allclose(
        made.moving_variance, kept * old_variance + (1 - kept) * variance, rtol=1e-6
    )
    wanted = [wanted[0]] + [wanted[1]] * made.scale + [wanted[2]] * made.center
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("frozen", [False, True])
def test_inference_uses_what_was_kept(frozen, kernel_calls):
    made, theirs = layer(), layer(keras.layers.BatchNormalization)
    made.trainable = theirs.trainable = not frozen
    before = [weight.numpy() for weight in made.weights]
    np.testing.assert_allclose(
        made(IMAGES, training=frozen), theirs(IMAGES, training=frozen), rtol=1e-5, atol=1e-5
    )
    assert kernel_calls == [False]
    for old, weight in zip(before, made.weights, strict=True):
        np.testing.assert_array_equal(old, weight)


def test_training_leaves_the_same_weights_as_keras_own_layer(kernel_calls):
    def trained(kind):
        keras.utils.set_random_seed(4)
        images = keras.Input(SHAPE[1:])
        x = keras.layers.Conv2D(3, 3, padding="same")(images)
        x = keras.layers.Activation("relu")(kind()(x))
        model = keras.Model(images, keras.layers.Dense(1)(keras.layers.Flatten()(x)))
        model.compile(keras.optimizers.SGD(0.01), "mse")
        for _ in range(5):
            model.train_on_batch(IMAGES, WEIGHTS[:, 0, 0, :1])
        return model.get_weights()

    theirs = trained(keras.layers.BatchNormalization)
    assert not kernel_calls
    for one, other in zip(trained(zoo.BatchNormalization), theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert True in kernel_calls


def test_bfloat16_keeps_float32_statistics(kernel_calls):
    made = layer(dtype="mixed_bfloat16")
    outputs = made(IMAGES, training=True)
    assert kernel_calls == [True]
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert made.moving_variance.dtype == made.gamma.dtype == "float32"
    expected = reference(made, IMAGES, WEIGHTS)[0]
    np.testing.assert_allclose(keras.ops.cast(outputs, "float32"), expected, atol=0.03)


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 1, 1, 3)])
def test_smallest_batches(shape):
    """One value has variance 0; the unbiased estimate would divide by zero."""
    images = np.random.default_rng(5).normal(size=shape).astype("float32")
    made, theirs = layer(), layer(keras.layers.BatchNormalization)
    np.testing.assert_allclose(
        made(images, training=True), theirs(images, training=True), atol=1e-5
    )
    for one, other in zip(made.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"axis": 1}, SHAPE),
        ({}, (6, 3)),
        ({}, (6, 5, 3)),
        ({"epsilon": 1e-6}, SHAPE),
        ({"dtype": "float64"}, SHAPE),
        ({"synchronized": True}, SHAPE),
        ({"renorm": True}, SHAPE),
    ],
)
def test_everything_else_is_keras_own_code(options, shape, kernel_calls):
    images = np.random.default_rng(6).normal(size=shape).astype("float32")
    ours = zoo.BatchNormalization(**options)
    theirs = keras.layers.BatchNormalization(**options)
    np.testing.assert_array_equal(ours(images, training=True), theirs(images, training=True))
    assert not kernel_calls


def test_masks_are_keras_own_code(kernel_calls):
    mask = np.random.default_rng(7).random(SHAPE[:3]) > 0.5
    ours, theirs = layer(), layer(keras.layers.BatchNormalization)
    np.testing.assert_array_equal(
        ours(IMAGES, training=True, mask=mask), theirs(IMAGES, training=True, mask=mask)
    )
    assert not kernel_calls


def test_any_batch_size_runs_through_one_graph():
    images = keras.Input((None, None, 3))
    model = keras.Model(images, zoo.BatchNormalization()(images))
    for count, side in ((1, 4), (5, 7)):
        values = np.random.default_rng(8).normal(size=(count, side, side, 3)).astype("float32")
        assert model.predict_on_batch(values).shape == values.shape
