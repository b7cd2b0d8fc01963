"""The training of a localizer, from its flags to its bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightkit import _files, _run_files, inference, training, transfer
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.localizer_flags import LocalizerFlags
from sightkit.preprocessing import (
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)


def train_localizer(
    config: LocalizerFlags, run: training.Run, pictures: Mapping[str, AnnotatedPictures]
) -> dict[str, Any]:
    """Train a localizer, evaluate it, the test once, and write its bundle.

    Where the body is pretrained its features are computed once, for all views of each training
    picture, and the head learns from them: minutes in place of hours.

    Args:
        config: the script's flags.
        run: of ``start_training``, and so ``pictures``.

    Returns:
        The contents of metrics.json.

    Raises:
        SightkitError: weights that are not available, a base that does not fit.
    """
    import keras

    from sightkit.apps.detection.detector_bundle import save_detector
    from sightkit.apps.detection.localizer_loss import (
        ClassAccuracy,
        LocalizationLoss,
        MeanOverlap,
    )
    from sightkit.apps.detection.localizer_measures import best_constant_box, measure_localizer
    from sightkit.apps.detection.localizer_network import Localizer, split_network
    from sightkit.apps.detection.localizer_setup import LocalizerSetup, answers_of
    from sightkit.apps.detection.localizer_views import LocalizationBatches

    training.prepare(seed=config.seed, precision=config.precision)
    size, names = (config.height, config.width), pictures["train"].class_names
    network = Localizer((*size, 3), len(names), base=config.base, class_boxes=config.class_boxes)
    chain = _chain(config, size)
    pixels = Pipeline(chain.steps[2:])
    trained, prepare = network, pixels.batch
    if config.pretrained:
        transfer.load_trained_body(network, config.base)
        body, trained = split_network(network, config.unfreeze_from or "head_reduced")
        count = len(pictures["train"]) * config.views
        features = inference.compile(body, images=count, batch_size=32)
        prepare = lambda images: features(pixels.batch(images))  # noqa: E731
    with run.timed():
        data = {
            split: LocalizationBatches(
                each, size, prepare, config.batch_size,
                views=config.views if split == "train" else 1, shuffle=split == "train",
                seed=config.seed,
            )
            for split, each in pictures.items()
        }  # fmt: skip
        identity = " ".join(each.sha256 for each in data.values())
        run.write_environment(data={"file": str(config.data.resolve()), "sha256": identity})
        rate = keras.optimizers.schedules.CosineDecay(
            config.learning_rate, config.epochs * len(data["train"])
        )
        trained.compile(
            keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
            LocalizationLoss(len(names), config.box_loss),
            metrics=[MeanOverlap(len(names)), ClassAccuracy(len(names))],
        )
        training.fit(
            trained, data["train"], data["val"], run=run, epochs=config.epochs, preflight=False
        )
    constant = best_constant_box(data["train"].targets[0][:, 1:])
    metrics: dict[str, Any] = training.facts(network, seed=config.seed)
    metrics["constant_box"] = constant.tolist()
    for split in ("val", "test"):
        outputs = trained.predict(data[split].inputs[0].astype(np.float32), verbose=0)
        logits, boxes = answers_of(outputs, len(names))
        metrics[split] = measure_localizer(logits, boxes, data[split].targets[0], constant)
    _files.write_json(run.path(_run_files.METRICS), metrics)
    canary = pictures["val"].annotations[0].read_image()
    save_detector(
        run.path(_run_files.BUNDLE), network, LocalizerSetup(chain, names), canary,
        metrics=metrics, training=run.config,
    )  # fmt: skip
    run.tidy()
    print(run.describe())
    return metrics


def _chain(config: LocalizerFlags, size: tuple[int, int]) -> Pipeline:
    """Return the steps from a decoded picture to the network's input: colour, size, pixels."""
    pixels: tuple[Any, ...] = (ImageToArrayPreprocessor(),)
    if config.pretrained:
        # Without the crop of the middle, which would lose what is at the edges.
        pixels = transfer.preprocessing_of(config.base, size).steps[2:]
    resize = SimplePreprocessor(size[1], size[0])
    return Pipeline((ColourPreprocessor(), resize, *pixels))
