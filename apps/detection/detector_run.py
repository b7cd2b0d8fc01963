"""The training of a single-shot detector, from its flags to its bundle."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit import _files, _run_files, training
from sightkit._errors import SightkitError
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.detector_flags import DetectorFlags

WARM_UP = 0.05
"""Share of the steps in which the rate rises: the heads are random at first."""
CLIP = 10.0
"""Largest norm of all gradients together; that of the first steps is about 30."""
PHASE = "val_ap"
"""Folder of the weights with the highest average precision, beside those with the lowest loss."""
FOR_DETECTOR = "the detector, for scripts/detection/detect.py --method bundle"
LOOKS = 20
"""Times that the average precision of the validation pictures is computed, evenly spread."""


class DetectorRun:
    """One training, after ``start_training``.

    Attributes:
        config: the script's flags.
        run: its folder.
        pictures: by split.
    """

    def __init__(
        self, config: DetectorFlags, run: training.Run, pictures: dict[str, AnnotatedPictures]
    ) -> None:
        self.config = config
        self.run = run
        self.pictures = pictures

    def setup(self) -> Any:
        """Set seed and precision; return canvas, pixels and coding by the flags.

        Anchors that are proposed are those of the training boxes.
        """
        from sightkit import transfer
        from sightkit.apps.detection.anchors import proposed_anchors, standard_anchors
        from sightkit.apps.detection.box_coding import AnchorCoding
        from sightkit.apps.detection.detector_network import GRID_BOXES, GRID_STRIDE
        from sightkit.apps.detection.detector_setup import DetectorSetup
        from sightkit.apps.detection.grid_coding import GridCoding
        from sightkit.apps.detection.letterbox import Letterbox
        from sightkit.preprocessing import Pipeline

        config, train = self.config, self.pictures["train"]
        training.prepare(seed=config.seed, precision=config.precision)
        height, width = size = (config.height, config.width)
        canvas, classes = Letterbox(height, width), len(train.class_names)
        pixels = Pipeline(transfer.preprocessing_of(config.backbone, size).steps[2:])
        if config.head == "grid":
            coding: Any = GridCoding(
                size, (height // GRID_STRIDE, width // GRID_STRIDE), classes, GRID_BOXES
            )
        else:
            anchors = standard_anchors(size, config.strides)
            if config.anchors == "auto":
                found = [each.boxes * canvas.scale(each.size) for each in train.annotations]
                anchors = proposed_anchors(np.concatenate(found), size, config.strides)
            coding = AnchorCoding(anchors, classes)
        return DetectorSetup(canvas, pixels, coding, tuple(train.class_names))

    def batches(self, setup: Any, split: str) -> Any:
        """Return the batches of a split; those of train are shuffled and varied."""
        from sightkit.apps.detection.box_augmentation import BoxAugmentation
        from sightkit.apps.detection.detector_batches import DetectionBatches

        config, trained = self.config, split == "train"
        augment = BoxAugmentation(config.views) if trained and config.augment else None
        return DetectionBatches(
            self.pictures[split], setup, config.batch_size,
            augment=augment, shuffle=trained, seed=config.seed,
        )  # fmt: skip

    def network(self, setup: Any) -> Any:
        """Return the network, its backbone pretrained, with batch normalization frozen."""
        from sightkit import transfer
        from sightkit.apps.detection import detector_network as networks

        config = self.config
        network = networks.Detector(
            (*setup.size, 3), len(setup.class_names),
            backbone=config.backbone, head=config.head, strides=config.strides,
            channels=config.channels,
        )  # fmt: skip
        if config.pretrained:
            transfer.load_trained_body(network, config.backbone)
            networks.freeze_normalization(network, config.freeze)
        return network

    def fit(self, network: Any, train: Any, validation: Any) -> list[dict[str, float]]:
        """Check everything, then train; the network ends with the weights of its best epoch."""
        import keras

        from sightkit import callbacks
        from sightkit.apps.detection.detector_evaluation import AP, AveragePrecisionMonitor
        from sightkit.apps.detection.detector_preflight import preflight_detector

        config, run = self.config, self.run
        identity = {"file": str(config.data.resolve()), "sha256": train.sha256}
        run.write_environment(data=identity)
        loss = train.setup.coding.loss()
        if config.preflight == "on" and not run.resumed:
            sheet = run.path(_run_files.BOXES)
            seconds = {"seconds": 0.0} if config.smoke else {}
            found = preflight_detector(network, train, loss, sheet=sheet, **seconds)
            print(found, flush=True)
            if found.failed and not config.smoke:
                raise SightkitError(
                    "A training begins when no check fails.",
                    "Do what the failed lines say, or give --preflight off to train all the same.",
                    failed=[line.name for line in found.lines if line.verdict == "failed"],
                )
        rate = callbacks.warmed_cosine(config.learning_rate, config.epochs * len(train), WARM_UP)
        optimizer = keras.optimizers.AdamW(
            rate, weight_decay=config.weight_decay, global_clipnorm=CLIP
        )
        network.compile(optimizer, loss)
        looks = AveragePrecisionMonitor(validation, every=max(1, config.epochs // LOOKS))
        best = callbacks.BestCheckpoint(
            run.checkpoints(PHASE) / _run_files.BEST_WEIGHTS, monitor=AP, mode="max"
        )
        with run.timed():
            rows = training.fit(
                network, train, validation, run=run, epochs=config.epochs,
                callbacks=[looks, best], preflight=False,
            )  # fmt: skip
        best.set_model(network)
        best.restore()
        return rows

    def report(self, network: Any, setup: Any, validation: Any) -> dict[str, Any]:
        """Evaluate validation and, once, the test pictures; write metrics and bundle."""
        from sightkit.apps.detection.detector_bundle import save_detector
        from sightkit.apps.detection.detector_evaluation import evaluate

        run = self.run
        metrics: dict[str, Any] = training.facts(network, seed=self.config.seed)
        for name, data in (("val", validation), ("test", self.batches(setup, "test"))):
            metrics[name] = evaluate(network, data)
        _files.write_json(run.path(_run_files.METRICS), metrics)
        save_detector(
            run.path(_run_files.BUNDLE), network, setup,
            self.pictures["val"].annotations[0].read_image(),
            metrics=metrics, training=run.config,
        )  # fmt: skip
        run.tidy()
        test, (low, high) = metrics["test"], metrics["test"]["map_50_interval"]
        figure = f"{test['map_50']:.3f} ({low:.3f}–{high:.3f})"
        print(f"Test mAP@0.5 {figure}, {test['pictures']} pictures.")
        print(run.describe(FOR_DETECTOR))
        return metrics
