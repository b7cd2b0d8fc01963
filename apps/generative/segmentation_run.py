"""The training of a segmenter, from its flags to its bundle."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sightkit import _files, _run_files, training
from sightkit import io as sightkit_io
from sightkit.apps.generative.segmentation_flags import SegmentationFlags
from sightkit.apps.generative.segmentation_pairs import SegmentationPairs

SIDE = 32
"""Pixels of a patch."""
PATCHES = 32
"""Patches a step for each picture of --batch-size."""
WARM_UP = 0.05
MOST_ROWS = 4
FOR_SEGMENTER = "the segmenter, for scripts/generative/segment.py"
OVERLAP = "val_mean_iou"
PHASE = "val_mean_iou"
"""Folder of the weights with the highest mean overlap, beside those with the lowest loss."""


@contextlib.contextmanager
def start_segmentation(
    config: SegmentationFlags, script: str | os.PathLike[str]
) -> Iterator[SegmentationRun]:
    """Lock the run folder, read and check pictures and masks; no Keras yet.

    Raises:
        SightkitError: as ``training.Run.open`` and ``read_pairs``.
    """
    with training.Run.open(config, experiment=Path(script).stem) as run:
        with tempfile.TemporaryDirectory() as scratch:
            yield SegmentationRun(config, run, config.pairs(Path(scratch)))


class SegmentationRun:
    """One training; made by ``start_segmentation``.

    Attributes:
        config: the script's flags.
        run: its folder.
        pairs: pictures and masks by split.
    """

    def __init__(
        self,
        config: SegmentationFlags,
        run: training.Run,
        pairs: Mapping[str, SegmentationPairs],
    ) -> None:
        self.config = config
        self.run = run
        self.pairs = pairs
        self.names = pairs["train"].classes.names

    def network(self) -> Any:
        """Set seed and precision; build the network of the flags."""
        from sightkit import transfer, zoo
        from sightkit.apps.generative import segmentation_network as networks

        config, shape = self.config, (*self.config.size, 3)
        training.prepare(seed=config.seed, precision=config.precision)
        if config.network == "patches":
            return zoo.MiniVGGNet((SIDE, SIDE, 3), len(self.names))
        if config.network == "unet":
            return zoo.UNet(
                shape, len(self.names), filters=config.filters, upsampling=config.upsampling,
                normalization="batch", dropout=config.dropout,
            )  # fmt: skip
        network = networks.FCN(shape, len(self.names), base=config.base, cut=config.cut)
        if config.pretrained:
            transfer.load_trained_body(network, config.base)
            networks.freeze_normalization(network)
        return network

    def pixels(self) -> Any:
        """Return what the network needs of a uint8 picture of its size, or of a patch."""
        from sightkit import transfer
        from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline

        if self.config.network != "fcn":
            return Pipeline((ImageToArrayPreprocessor(),))
        size = (self.config.height, self.config.width)
        return Pipeline(transfer.preprocessing_of(self.config.base, size).steps[2:])

    def batches(self, split: str) -> Any:
        """Return the batches of a split; those of train are mixed and varied."""
        from sightkit.apps.generative.segmentation_batches import PatchBatches, SegmentationBatches

        config, trained = self.config, split == "train"
        size = (config.height, config.width)
        if config.network == "patches":
            return PatchBatches(
                self.pairs[split], size, SIDE, self.pixels(), PATCHES * config.batch_size,
                count=config.patches, shuffle=trained, seed=config.seed,
            )  # fmt: skip
        return SegmentationBatches(
            self.pairs[split], size, self.pixels(), config.batch_size,
            views=config.views if trained else 0, seed=config.seed,
        )  # fmt: skip

    def fit(self, network: Any, train: Any, validation: Any) -> None:
        """Train; the network ends with the weights that overlap best on the validation pictures."""
        import keras

        from sightkit import callbacks
        from sightkit.apps.generative.segmentation_loss import PixelCrossEntropy, balanced_weights

        config, run, count = self.config, self.run, len(self.names)
        identity = " ".join(pairs.sha256 for pairs in self.pairs.values())
        run.write_environment(data={"file": str(config.data.resolve()), "sha256": identity})
        steps = config.epochs * len(train)
        rate = callbacks.warmed_cosine(config.learning_rate, steps, WARM_UP)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
        loss: Any = "sparse_categorical_crossentropy"
        metrics: list[Any] = ["accuracy"]
        best = []
        if config.network != "patches":
            weights = [1.0] * count
            if config.class_weights == "balanced":
                weights = balanced_weights(train.labels, count)
            loss = PixelCrossEntropy(weights)
            metrics = [keras.metrics.MeanIoU(count + 1, ignore_class=count, name="mean_iou",
                                             sparse_y_pred=False)]  # fmt: skip
            file = run.checkpoints(PHASE) / _run_files.BEST_WEIGHTS
            best = [callbacks.BestCheckpoint(file, monitor=OVERLAP, mode="max")]
        network.compile(optimizer, loss, metrics=metrics)
        with run.timed():
            training.fit(
                network, train, validation, run=run, epochs=config.epochs, callbacks=best,
                preflight=False,
            )  # fmt: skip
        for each in best:
            each.set_model(network)
            each.restore()

    def report(self, network: Any) -> dict[str, Any]:
        """Evaluate validation and, once, test pictures; write metrics, a sheet and the bundle."""
        from sightkit import zoo
        from sightkit.apps.generative import segmentation_evaluation as evaluation
        from sightkit.apps.generative.segmentation_drawing import overlay, sheet
        from sightkit.apps.generative.segmenter_bundle import Segmenter

        run, size = self.run, (self.config.height, self.config.width)
        saved = zoo.rebuild(zoo.origin(network))
        saved.set_weights(network.get_weights())
        segmenter = Segmenter(saved, size, self.pixels(), self.names)
        answers = {
            "network": lambda image: segmenter.predict(image)[0],
            "class_prior": evaluation.class_prior(self.pairs["train"]),
            "largest_class": evaluation.largest_class(self.pairs["train"]),
        }
        metrics: dict[str, Any] = training.facts(network, seed=self.config.seed)
        metrics["train"] = {"count": len(self.pairs["train"])}
        for split in ("val", "test"):
            found = evaluation.measure_overlap(self.pairs[split], answers["network"])
            metrics[split] = {"count": len(self.pairs[split]), **found.to_json()}
        for name in ("class_prior", "largest_class"):
            found = evaluation.measure_overlap(self.pairs["test"], answers[name])
            metrics["test"][f"mean_iou_of_{name}"] = found.mean
        _files.write_json(run.path(_run_files.METRICS), metrics)
        test, rows = self.pairs["test"], []
        for row in range(min(MOST_ROWS, len(test))):
            image = test.image(row)
            drawn = (test.labels(row), answers["network"](image))
            rows.append([image, *(overlay(image, each, len(self.names)) for each in drawn)])
        sightkit_io.write_png(run.path(_run_files.SEGMENTED), sheet(rows, self.names))
        bundle, canary = run.path(_run_files.BUNDLE), self.pairs["val"].image(0)
        segmenter.save(bundle, canary, metrics=metrics, training=run.config)
        run.tidy()
        return metrics


def describe_segmentation(metrics: Mapping[str, Any], run: training.Run) -> str:
    """Return the result of a training for the terminal."""
    test = metrics["test"]
    lines = [
        f"Test: mean IoU {test['mean_iou']:.3f}, {100 * test['pixels_right']:.1f} % of the pixels "
        f"right; what is most often at a place {test['mean_iou_of_class_prior']:.3f}, the largest "
        f"class {test['mean_iou_of_largest_class']:.3f}.",
        *(f"  {name:<16}{'–' if value is None else f'{value:.3f}'}"
          for name, value in test["iou"].items()),
        run.describe(FOR_SEGMENTER),
    ]  # fmt: skip
    return "\n".join(lines)
