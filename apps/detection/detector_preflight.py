"""Checks before a detector is trained: what would end in an average precision of 0."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import evaluation, zoo
from sightkit import io as sightkit_io
from sightkit.apps.detection.anchors import MATCHED, proposed_anchors
from sightkit.apps.detection.average_precision import average_precision
from sightkit.apps.detection.box_coding import AnchorCoding
from sightkit.apps.detection.boxes import clip_boxes, intersection_over_union
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.detector_batches import DetectionBatches
from sightkit.apps.detection.drawing import colour_of, draw_boxes
from sightkit.training.checks.report import LeftOut, Line, Preflight, failed, passed
from sightkit.training.restore import restoring_random_state

MOST_WITHOUT = 0.05
"""Share of the boxes that may have no anchor, or whose cell another has."""
BINS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
SAME = 0.9
"""IoU of a box with what comes back of it: codes are float32, pictures are scaled."""
LOSS_TOLERANCE = 0.15
"""Of the expected loss: the first answers have a deviation of their own."""
LEARNED = 0.1
"""Of the first loss: below it the pictures are learned, and their boxes must be found."""
PICTURES, RATE = 5, 1e-3
SECONDS = 60.0
SHOWN, COLUMNS = 12, 4
"""Pictures on the sheet, and beside each other."""
CHECKED_EVERY = 10
"""Steps between two looks at the average precision."""


def preflight_detector(
    network: keras.Model,
    train: DetectionBatches,
    loss: Any,
    *,
    sheet: Path | None = None,
    seconds: float = SECONDS,
) -> Preflight:
    """Check coding, initial loss and learning of a detector, and draw what it gets.

    ========== =================================================================================
    anchors    the best anchor's IoU of each box; at most 5 % have none from 0.5 on (of a grid: at
               most 5 % are in a cell that a larger box has)
    coding     of each box, encoded, decoded and thinned out, the annotation comes back
    loss       at the start what the prior makes it, by the targets of the first batch
    overfit    five pictures by heart, until their average precision is 1
    sheet      pictures with the boxes of their targets, as the network gets them: a file
    ========== =================================================================================

    The network is not changed: a copy learns the five pictures.

    Args:
        network: made by ``Detector``.
        train: of the training pictures.
        loss: that it will be trained with.
        sheet: file that is written, PNG; None for none.
        seconds: after which the five pictures are given up, those of the first step not counted; 0
            leaves them out.
    """
    begin = time.monotonic()
    lines: list[Line] = []
    left_out: list[tuple[str, str]] = []

    def make(name: str, check: Callable[[], Line]) -> None:
        try:
            lines.append(dataclasses.replace(check(), name=name))
        except LeftOut as reason:
            left_out.append((name, str(reason)))

    make("anchors", lambda: anchors(train))
    make("coding", lambda: coding(train))
    make("loss", lambda: initial_loss(network, train, loss))
    if sheet is not None:
        make("sheet", lambda: _draw(train, sheet))
    with restoring_random_state():
        make("overfit", lambda: overfit(network, train, loss, seconds))
    return Preflight(tuple(lines), tuple(left_out), time.monotonic() - begin)


def anchors(train: DetectionBatches) -> Line:
    """Count the boxes that the coding cannot hold well."""
    setup = train.setup
    without = [
        setup.coding.unreachable(boxes, labels)
        for boxes, labels in zip(train.boxes, train.labels, strict=True)
    ]
    count, lost = sum(map(len, without)), int(sum(each.sum() for each in without))
    share = lost / max(1, count)
    if not isinstance(setup.coding, AnchorCoding):
        text = f"{lost} of {count} boxes ({share:.1%}) are in a cell that a larger box has"
        if share <= MOST_WITHOUT:
            return passed(text)
        return failed(text, "Give --head=anchors, or a larger --size: more cells.")
    boxes = np.concatenate(train.boxes)
    best = setup.coding.anchors.best_overlap(boxes)
    counts, _ = np.histogram(best, BINS)
    bins = zip(BINS[:-1], BINS[1:], counts, strict=True)
    text = f"{lost} of {count} boxes ({share:.1%}) have no anchor with an IoU of {MATCHED}; "
    text += "best IoU " + ", ".join(f"{a:g}–{b:g}: {n}" for a, b, n in bins if n)
    if share <= MOST_WITHOUT:
        return passed(text)
    proposed = proposed_anchors(boxes, setup.size, setup.coding.anchors.strides)
    left = float((proposed.best_overlap(boxes) < MATCHED).mean())
    sides = [f"{w:.0f}x{h:.0f}" for _, shapes in proposed.shapes for w, h in shapes]
    return failed(
        text,
        f"Give --anchors=auto, by which {left:.1%} have none ({', '.join(sides)}); where that is "
        "too many still, a larger --size, or finer --strides.",
    )


def coding(train: DetectionBatches) -> Line:
    """Let every annotation go to the network's target and back, as a perfect network would."""
    setup, count, back = train.setup, 0, 0
    first = ""
    for row, annotation in enumerate(train.pictures.annotations):
        target = setup.coding.encode(train.boxes[row], train.labels[row])
        found = setup.detections(setup.coding.perfect_output(target), annotation.size)
        same = intersection_over_union(annotation.boxes, found.boxes) >= SAME
        same &= annotation.labels[:, None] == found.labels[None]
        missing = np.flatnonzero(~same.any(axis=1))
        count, back = count + len(same), back + len(same) - len(missing)
        if len(missing) and not first:
            first = f"; the first that does not: {annotation.image.name}, box {missing[0]}"
    text = f"{back} of {count} boxes come back from their targets{first}"
    if count - back <= MOST_WITHOUT * count:
        return passed(text)
    return failed(
        text,
        "Boxes are shifted, swapped or scaled on their way to the network, or more of one class "
        "overlap by half than suppression can distinguish: look at the sheet.",
    )


def initial_loss(network: keras.Model, train: DetectionBatches, loss: Any) -> Line:
    """Compare the first loss with that of the prior on the same targets."""
    x, y = _first(train)
    output = keras.ops.convert_to_numpy(network(x, training=False)).astype(np.float32)
    prior = np.broadcast_to(train.setup.coding.prior_output(), output.shape)
    found, expected = (float(loss(y, each)) for each in (output, np.ascontiguousarray(prior)))
    text = f"{found:.3g}, expected of the prior {expected:.3g}"
    wrong = not abs(found - expected) <= LOSS_TOLERANCE * expected
    if isinstance(train.setup.coding, AnchorCoding):
        pi = train.setup.coding.prior
        rows = y[..., 4] >= 0
        logits = output[rows, 4 + y[rows, 4].astype(int)]
        own = float(np.logaddexp(0, -logits).mean()) if rows.any() else -np.log(pi)
        text += f"; a box's class {own:.3g}, -log π {-np.log(pi):.3g} (π = {pi:g})"
        wrong = wrong or not abs(own + np.log(pi)) <= LOSS_TOLERANCE * -np.log(pi)
    if not wrong:
        return passed(text)
    return failed(
        text,
        "The class outputs must begin at the bias -log((1 - π) / π), or background drowns the "
        "boxes; build the network with the prior of its coding.",
    )


def overfit(network: keras.Model, train: DetectionBatches, loss: Any, seconds: float) -> Line:
    """Learn five pictures by heart, until every box is found and nothing else."""
    if not seconds:
        raise LeftOut("no time was given")
    rows = [r for r, labels in enumerate(train.labels) if len(labels)][:PICTURES]
    if not rows:
        raise LeftOut("no picture has a box")
    setup = train.setup
    x = np.stack([setup.pixels(setup.canvas.place(train.images[row])) for row in rows])
    y = np.stack([setup.coding.encode(train.boxes[row], train.labels[row]) for row in rows])
    annotations = tuple(train.pictures.annotations[row] for row in rows)
    pictures = dataclasses.replace(train.pictures, annotations=annotations)
    course: list[float] = []
    score, end = 0.0, float("inf")
    copied = _copy(network)
    copied.compile(keras.optimizers.Adam(RATE, clipnorm=10.0), loss, jit_compile=False)
    for step, value in enumerate(_steps(copied, x, y)):
        course.append(value)
        end = time.monotonic() + seconds if step == 0 else end
        if not np.isfinite(value):
            return failed(f"the loss became {value} in step {step + 1}", "Look at the pixels.")
        over = time.monotonic() > end
        if (step + 1) % CHECKED_EVERY == 0 or over:
            # By the statistics of these five: the averages of normalization that learns lag behind.
            outputs = keras.ops.convert_to_numpy(copied(x, training=True))
            found = detections_of(setup, outputs, pictures.annotations)
            score = average_precision(pictures, found, (0.5,)).at(0.5)
            if score >= 1 - 1e-9 or over or value < LEARNED * course[0] / 10:
                break
    text = f"{len(rows)} pictures, loss {course[0]:.3g} → {course[-1]:.3g} in {len(course)} steps, "
    text += f"average precision {score:.3f}"
    if score >= 1 - 1e-9:
        return passed(text)
    if course[-1] > LEARNED * course[0] and time.monotonic() > end:
        raise LeftOut(f"{text}; then the time was up: no verdict")
    return failed(
        text,
        "The network learns other boxes than those that are annotated, or cannot learn: look at "
        "the lines above and at the sheet.",
    )


def detections_of(setup: Any, outputs: np.ndarray, annotations: Any) -> list[Detections]:
    """Return what a batch of outputs has found in its pictures."""
    return [
        setup.detections(np.asarray(output, np.float32), annotation.size)
        for output, annotation in zip(outputs, annotations, strict=True)
    ]


def _steps(network: keras.Model, x: np.ndarray, y: np.ndarray) -> Iterator[float]:
    while True:
        yield float(network.train_on_batch(x, y))


def _copy(network: keras.Model) -> keras.Model:
    """Return a copy of a network of the zoo, trainable where it is."""
    copied = zoo.rebuild(zoo.origin(network))
    copied.set_weights(network.get_weights())
    for layer, own in zip(copied.layers, network.layers, strict=True):
        layer.trainable = own.trainable
    return copied


def _first(train: DetectionBatches) -> tuple[np.ndarray, np.ndarray]:
    """Return the first batch of the first epoch, whatever epoch the data are at."""
    samples = [train.sample(int(row), 0) for row in train.rows(0)[: train.batch_size]]
    x = train.setup.pixels.batch(np.stack([canvas for canvas, _, _ in samples]))
    y = [train.setup.coding.encode(boxes, labels) for _, boxes, labels in samples]
    return x, np.stack(y)


def _draw(train: DetectionBatches, path: Path) -> Line:
    """Draw the first pictures as they reach the network: varied, encoded, decoded again.

    Boxes that no anchor learns are missing.
    """
    setup, tiles = train.setup, []
    for row in train.rows(0)[:SHOWN]:
        canvas, boxes, labels = train.sample(int(row), 0)
        target = setup.coding.encode(boxes, labels)
        found, scores = setup.coding.decode(setup.coding.perfect_output(target))
        rows, classes = np.nonzero(scores > 0.5)
        keyed = np.column_stack([found[rows].round(), classes])  # an anchor each: many alike
        unique = np.unique(keyed, axis=0)
        names = [setup.class_names[int(k)] for k in unique[:, 4]]
        colours = [colour_of(int(k)) for k in unique[:, 4]]
        tiles.append(draw_boxes(canvas, clip_boxes(unique[:, :4], setup.size), names, colours))
    sheet = evaluation.montage(tiles, min(COLUMNS, len(tiles)), side=max(setup.size))
    sightkit_io.write_png(path, sheet)
    return passed(f"{path.name}: look whether the boxes are around the things")
