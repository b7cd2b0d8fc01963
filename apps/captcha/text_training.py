"""Training a reader of whole captchas: its data, its network, its evaluation and its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sightkit import _files, _run_files, callbacks, io, training, zoo
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.apps.captcha.refusal import choose_threshold
from sightkit.apps.captcha.text_answers import Method, TextAnswer, encode
from sightkit.apps.captcha.text_batches import TextBatches
from sightkit.apps.captcha.text_bundle import TextReader, reading_chain, resized, save_text_reader
from sightkit.apps.captcha.text_evaluation import text_columns, text_metrics, threshold_columns
from sightkit.apps.captcha.text_folder import Captchas, require_length
from sightkit.apps.captcha.text_losses import ctc_loss, ctc_right, heads_right
from sightkit.apps.captcha.text_networks import CaptchaCTC, CaptchaHeads

WARM_UP = 0.1
"""Share of the steps in which the learning rate rises."""
EPOCH = 640
"""Pictures of an epoch, at least: fewer training pictures are repeated, each time varied anew."""


@dataclass(frozen=True)
class TextTraining:
    """What a reader is trained and evaluated on.

    Attributes:
        parts: captchas of ``train``, ``validation`` and ``test``, see ``divide``.
        method: ``"heads"``, for texts of one length, or ``"ctc"``.
        alphabet: characters that can be read.
        size: height and width of the network's input, pixels; others are resized.
        batch_size: pictures a step.
        seed: of order and variation.
    """

    parts: Mapping[str, Captchas]
    method: Method
    alphabet: str
    size: tuple[int, int]
    batch_size: int
    seed: int

    @property
    def lengths(self) -> tuple[int, ...]:
        """Lengths of the texts of training and validation."""
        return tuple(sorted({*self.parts["train"].lengths, *self.parts["validation"].lengths}))

    def batches(self, part: str) -> TextBatches:
        """Read the pictures of a part; those of the training are mixed and varied."""
        captchas = self.parts[part]
        images = captchas.images(resized(self.size))
        targets = encode(captchas.texts, self.alphabet, self.method)
        lengths: list[int] = []
        if part == "train":
            repeats = max(1, EPOCH // len(captchas))
            images, targets = (np.concatenate([x] * repeats) for x in (images, targets))
            lengths = [*map(len, captchas.texts)] * repeats
        return TextBatches(
            images, targets, batch_size=self.batch_size, lengths=lengths, seed=self.seed
        )

    def network(self) -> keras.Model:
        """Build the network of the method.

        Raises:
            SightkitError: texts of several lengths for heads, or longer ones than the columns of
                CTC can hold.
        """
        shape, classes = (*self.size, 1), len(self.alphabet)
        if self.method == "heads":
            return CaptchaHeads(shape, classes, require_length(self.lengths))
        network = CaptchaCTC(shape, classes)
        columns, needed = network.output_shape[1], 2 * max(self.lengths) - 1
        if columns < needed:
            raise SightkitError(
                "CTC needs two columns a character, and has one for every four pixels of width.",
                f"Give a width of at least {4 * needed} pixels.",
                width=self.size[1],
                longest=max(self.lengths),
            )
        return network

    def compile(
        self, network: keras.Model, train: TextBatches, *, learning_rate: float, epochs: int
    ) -> None:
        """Give a network Adam, whose rate rises and then falls to 0, and the method's loss."""
        rate = callbacks.warmed_cosine(learning_rate, epochs * len(train), WARM_UP)
        loss: Any = ctc_loss if self.method == "ctc" else "sparse_categorical_crossentropy"
        right = ctc_right if self.method == "ctc" else heads_right
        metric = keras.metrics.MeanMetricWrapper(right, name="texts_right")
        network.compile(keras.optimizers.Adam(rate), loss=loss, metrics=[metric])

    def report(self, run: training.Run, network: keras.Model, **facts: Any) -> dict[str, Any]:
        """Choose the threshold by validation, test once; write metrics and bundle.

        Args:
            run: whose folder gets them.
            network: trained.
            **facts: further entries of metrics.json, JSON.

        Returns:
            The contents of metrics.json.
        """
        saved = zoo.rebuild(zoo.origin(network))
        saved.set_weights(network.get_weights())
        chain = reading_chain(self.size)
        reader = TextReader(saved, chain, self.alphabet, self.lengths, 0.0, {})
        found = {n: reader.predict(part.paths, threshold=0.0) for n, part in self.parts.items()}
        try:
            columns = threshold_columns(reader, self.parts["validation"], seed=self.seed)
            threshold = choose_threshold(*columns)
        except SightkitError as error:
            warn(f"No answer will be given: {error}")
            threshold = 1.0
        reader = TextReader(saved, chain, self.alphabet, self.lengths, threshold, {})
        metrics = {
            **training.facts(network, seed=self.seed),
            "method": self.method,
            **facts,
            **{n: text_metrics(part, found[n], threshold) for n, part in self.parts.items()},
        }
        _files.write_json(run.path(_run_files.METRICS), metrics)
        save_text_reader(
            run.path(_run_files.BUNDLE),
            reader,
            canaries=self._canaries(found["validation"]),
            metrics={name: metrics[name] for name in found},
            training=dict(run.config),
        )
        run.tidy()
        return metrics

    def _canaries(self, found: Sequence[TextAnswer]) -> list[np.ndarray]:
        """Return the validation pictures that are read rightly, the least sure first; or all."""
        captchas = self.parts["validation"]
        right, confidence = text_columns(captchas, found)
        order = np.lexsort((confidence, ~right))
        return [io.read_image(captchas.paths[k]) for k in order[:8]]
