"""Measure what explanations cost, and whether they find what the answer depends on.

    python benchmarks/explain.py [--quick] [--json FILE]

MobileNet 0.75 on ImageNet's photos and on photos of animals (SIGHTKIT_TEST_DATA). Occlusion is
compared with the same engine on the same hidden versions, ready in memory. Of Grad-CAM the area
under the probability of the predicted class is compared, while what it marks is replaced by a
blurred copy, with the areas of Sobel's edges, of 7x7 cells at random, and of nearness to the centre
(paired t-tests over photos). Integrated gradients must sum to the difference of scores; memory must
not grow with the number of pictures. FGSM at 8 grey levels must take 30 points of accuracy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli

NETWORK = "mobilenet_0.75"
OCCLUSION_BAR, ALPHA = 0.8, 0.01
PHOTOS = (("imagenet-samples", 20), ("animals", 180))
LEVELS, POINTS_BAR = 8, 30
QUICK = 6
SUFFIXES = (".jpg", ".JPEG")


@dataclass(frozen=True)
class Config:
    """Measure explanations."""

    quick: bool = False
    """Six photos: a smoke test whose figures mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    from sightkit import transfer
    from sightkit.apps.explain import Explainer

    explainer = Explainer(transfer.pretrained(NETWORK))
    inputs = explainer.prepare(photos(QUICK if config.quick else None))
    target = explainer.targets(inputs)
    rows = [
        occlusion_rate(explainer, inputs[: 2 if config.quick else 8], config.quick),
        *deletion_areas(explainer, inputs, target),
        completeness(explainer, inputs[: 2 if config.quick else 20]),
        memory(explainer, inputs),
        attack(QUICK if config.quick else None),
    ]
    measure.report(rows, config.json)
    return rows


def attack(most: int | None) -> measure.Row:
    """Measure the points of accuracy that FGSM takes at 8 grey levels, and what PGD leaves."""
    from sightkit import transfer
    from sightkit.apps.explain import Attack
    from sightkit.apps.explain.network_flags import labels_of

    bundle = transfer.pretrained(NETWORK)
    folder = Path(os.environ["SIGHTKIT_TEST_DATA"]) / PHOTOS[0][0]
    files = sorted(map(str, folder.glob("*.JPEG")))[:most]
    attack, truth = Attack(bundle), np.array(list(labels_of(bundle, files)))
    pictures = attack.pictures(files)
    before, fgsm = attack.accuracy(pictures, truth, epsilons=(0, LEVELS / 255))
    (pgd,) = attack.accuracy(pictures, truth, method="pgd", epsilons=(LEVELS / 255,))
    return measure.at_least(
        f"FGSM at {LEVELS}/255",
        "points of accuracy before",
        100 * (before - fgsm),
        POINTS_BAR,
        before=before,
        after=fgsm,
        after_pgd=pgd,
        photos=len(files),
    )


def photos(most: int | None) -> list[Path]:
    """Return the photos, of animals as many of each class."""
    data = Path(os.environ["SIGHTKIT_TEST_DATA"])
    found: list[Path] = []
    for folder, count in PHOTOS:
        files = sorted(
            path for path in (data / folder).rglob("*") if path.suffix in (".jpg", ".JPEG")
        )
        found += files[:: max(1, len(files) // count)][:count]
    return found[:most]


def occlusion_rate(explainer: Any, inputs: np.ndarray, quick: bool) -> measure.Row:
    """Compare occlusion with its engine alone."""
    from sightkit import inference
    from sightkit.apps.explain import occlusion
    from sightkit.apps.explain.perturbation import Answers

    target = explainer.targets(inputs)
    seen: list[np.ndarray] = []
    record = Answers.__call__

    def keep(self: Answers, row: int, versions: np.ndarray) -> np.ndarray:
        seen.append(versions.copy())
        return record(self, row, versions)

    Answers.__call__ = keep
    occlusion(explainer, inputs, target)
    Answers.__call__ = record
    versions = np.concatenate(seen)
    predictor = inference.compile(explainer.model, images=len(versions))
    costs = measure.interleaved(
        {
            "ours": lambda: occlusion(explainer, inputs, target),
            "engine": lambda: predictor(versions),
        },
        rounds=2 if quick else 5,
    )
    return measure.at_least(
        "occlusion",
        f"its engine ({predictor.engine}) on the same pictures in memory",
        costs["engine"] / costs["ours"],
        OCCLUSION_BAR,
        pictures=len(versions),
    )


def deletion_areas(explainer: Any, inputs: np.ndarray, target: np.ndarray) -> list[measure.Row]:
    """Compare Grad-CAM's areas with those of maps that know nothing of the network."""
    from scipy.stats import ttest_rel

    from sightkit.apps.explain import area, baselines, grad_cam

    own = grad_cam(explainer, inputs, target)
    areas = {
        name: [area(explainer, inputs, maps, target, way=way) for way in ("deletion", "insertion")]
        for name, maps in {"Grad-CAM": own, **baselines(inputs)}.items()
    }
    rows = []
    for name, (deleted, inserted) in areas.items():
        p = ttest_rel(areas["Grad-CAM"][0], deleted, alternative="less").pvalue
        row = measure.at_least(
            f"Grad-CAM's area of deletion against that of {name}",
            name,
            float(deleted.mean() / areas["Grad-CAM"][0].mean()),
            0.0,
            deletion=round(float(deleted.mean()), 4),
            insertion=round(float(inserted.mean()), 4),
            p=float(p),
            photos=len(inputs),
        )
        if name in ("Sobel", "random"):
            row |= {"bar": 1.0, "met": bool(row["ratio"] > 1 and p < ALPHA)}
        if name != "Grad-CAM":
            rows.append(row)
    return rows


def completeness(explainer: Any, inputs: np.ndarray) -> measure.Row:
    """Return the largest error of the sum of integrated gradients, a share of what it must be."""
    from sightkit.apps.explain import integrated_gradients

    target = explainer.targets(inputs)
    summed = integrated_gradients(explainer, inputs, target).sum(axis=(1, 2, 3))
    change = explainer.scores(inputs) - explainer.scores(np.zeros_like(inputs))
    wanted = change[np.arange(len(inputs)), target]
    errors = np.abs(summed - wanted) / np.maximum(np.abs(wanted), 0.1)
    return measure.at_most(
        "integrated gradients: largest error of their sum",
        "the difference of scores",
        float(errors.max()),
        0.01,
        photos=len(inputs),
    )


def memory(explainer: Any, inputs: np.ndarray) -> measure.Row:
    """Return how much the process grows from the first tenth of the pictures to the last."""
    from sightkit.apps.explain import grad_cam, gradient, occlusion

    methods: tuple[Callable[..., Any], ...] = (gradient, grad_cam, occlusion)

    def resident() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    sizes = []
    for row in range(len(inputs)):
        for method in methods:
            method(explainer, inputs[row : row + 1])
        sizes.append(resident())
    tenth = max(1, len(sizes) // 10)
    growth = float(np.median(sizes[-tenth:]) / np.median(sizes[tenth : 2 * tenth]))
    return measure.at_most(
        "memory, with the last tenth of the pictures", "the second tenth", growth, 1.05,
        pictures=len(sizes),
    )  # fmt: skip


if __name__ == "__main__":
    _cli.run(main, Config)
