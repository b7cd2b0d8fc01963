"""A generator and a discriminator that learn from each other, as one Keras model with one step."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from sightkit.training import with_weight_average

Noise = Literal["normal", "uniform"]
EVALUATION_SEED = 0
"""Of the latent vectors that a validation draws: they are the same in each epoch."""


class GAN(keras.Model):
    """Real images in, the losses of both networks out; the loss is the sum of both.

    One loss and one optimizer train both networks, in one compiled step on every backend: the
    discriminator's part sees generated images without their gradient, and the generator's part is
    computed by the discriminator with its weights held constant. So the gradient of the sum with
    respect to the discriminator's weights is that of its own loss, the generator's likewise, and
    both are those of the same moment (Goodfellow's algorithm with one step of each). No network's
    ``trainable`` is changed: Keras 3 reads it when a model is compiled, and a training that turns
    it off and on trains nothing. Each weight of the discriminator is read once a step, for all
    three uses: TensorFlow orders no second read before the weight's update.

    Adam keeps two numbers for each weight, which no other weight changes: one Adam over both
    networks is two, saved and restored together.

    Real and generated images pass the discriminator in batches of their own, as its batch
    normalization must not tell them apart by what they are mixed with.

    Args:
        generator: latent vectors (N, n) to images (N, H, W, C) in [-1, 1].
        discriminator: images to a probability; has a layer ``logits``.
        noise: of the latent vectors: standard normal, or uniform in [-1, 1].
        smoothing: taken from the target 1 of real images.
        label_noise: the most that is taken from a real image's target, and added to a generated
            one's, drawn anew for each.
        seed: of latent vectors and label noise.

    Reference:
        Goodfellow et al., "Generative adversarial nets", 2014, with the loss for the generator that
        does not saturate; Radford, Metz, Chintala, 2015; label noise: Chollet, "Deep learning with
        Python", 2017; smoothing of the real targets alone: Salimans et al., 2016.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        noise: Noise = "normal",
        smoothing: float = 0.0,
        label_noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(name="gan")
        self.generator = generator
        logits = discriminator.get_layer("logits").output
        self.discriminator = keras.Model(discriminator.inputs, logits, name=discriminator.name)
        self.latent = generator.input_shape[-1]
        self.noise = noise
        self.smoothing = smoothing
        self.label_noise = label_noise
        self.seeds = keras.random.SeedGenerator(seed)
        self.shown = [
            keras.metrics.Mean(name=name)
            for name in ("discriminator_loss", "adversarial_loss", "taken_for_real")
        ]

    def call(self, images: Any, training: bool = False) -> dict[str, Any]:
        """Return logits and targets: (N, H, W, C) in [-1, 1] to (N, 1) each.

        Returns:
            Logits of ``real`` and ``generated`` images, of generated ones for the generator
            (``adversarial``), and the targets of the first two.
        """
        count = ops.shape(images)[0]
        generated = self.generator(self._latent_vectors(count, training), training=training)
        network = self.discriminator
        weights = [ops.copy(v.value) for v in network.trainable_variables]
        state = [ops.copy(v.value) for v in network.non_trainable_variables]
        real, state = network.stateless_call(weights, state, images, training=training)
        hidden = ops.stop_gradient(generated)
        found, state = network.stateless_call(weights, state, hidden, training=training)
        constant = [ops.stop_gradient(weight) for weight in weights]
        adversarial, _ = network.stateless_call(constant, state, generated, training=training)
        for variable, value in zip(network.non_trainable_variables, state, strict=True):
            variable.assign(value)
        flips = self._label_noise(count) if training else ops.zeros((2, count, 1))
        smoothing = self.smoothing if training else 0.0
        return {
            "real": ops.cast(real, "float32"),
            "generated": ops.cast(found, "float32"),
            "adversarial": ops.cast(adversarial, "float32"),
            "real_targets": 1.0 - smoothing - flips[0],
            "generated_targets": flips[1],
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the discriminator's loss plus the generator's, a scalar."""
        real = _crossentropy(y_pred["real"], y_pred["real_targets"])
        generated = _crossentropy(y_pred["generated"], y_pred["generated_targets"])
        return (real + generated) / 2 + _crossentropy(y_pred["adversarial"], 1.0)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Add a batch to the losses against plain targets, and the share taken for real."""
        real, generated = (
            _crossentropy(y_pred["real"], 1.0),
            _crossentropy(y_pred["generated"], 0.0),
        )
        values = (
            (real + generated) / 2,
            _crossentropy(y_pred["adversarial"], 1.0),
            ops.mean(ops.sigmoid(y_pred["generated"])),
        )
        for metric, value in zip(self.shown, values, strict=True):
            metric.update_state(value)
        return self.get_metrics_result()

    def _latent_vectors(self, count: Any, training: bool) -> Any:
        seed: Any = self.seeds if training else EVALUATION_SEED
        shape = (count, self.latent)
        if self.noise == "uniform":
            return keras.random.uniform(shape, -1.0, 1.0, dtype="float32", seed=seed)
        return keras.random.normal(shape, dtype="float32", seed=seed)

    def _label_noise(self, count: Any) -> Any:
        drawn = keras.random.uniform((2, count, 1), dtype="float32", seed=self.seeds)
        return self.label_noise * drawn


def gan_optimizer(
    gan: GAN,
    learning_rate: float,
    *,
    discriminator_rate: float = 1.0,
    beta: float = 0.5,
    average: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Return Adam for both networks.

    Args:
        gan: that is trained.
        learning_rate: of the generator.
        discriminator_rate: factor of the discriminator's learning rate, above 0.
        beta: decay of the mean of gradients; 0.5 is Radford's, for Adam's 0.9 oscillates.
        average: decay of a mean of the weights, 0.999 for example, that ``training.use_average``
            gives the networks in the end; 0: none.
    """
    slower = {id(variable) for variable in gan.discriminator.trainable_variables}

    class GanAdam(keras.optimizers.Adam):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            # On TensorFlow it is the backend's own variable, which is none of the network's.
            own = self._trainable_variables[self._get_variable_index(variable)]
            factor = discriminator_rate if id(own) in slower else 1.0
            super().update_step(gradient, variable, learning_rate * factor)

    kind = with_weight_average(GanAdam, decay=average) if average else GanAdam
    return kind(learning_rate, beta_1=beta)


def _crossentropy(logits: Any, target: Any) -> Any:
    """Binary crossentropy, mean; with logits, because clipped probabilities stop the gradient."""
    return ops.mean(ops.softplus(logits) - logits * target)
