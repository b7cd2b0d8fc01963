"""Linear classifiers on the pixels of cats, dogs and pandas: three losses, four penalties each.

Measured: 55.56 % (n = 1), 8.8 minutes, AMD EPYC, 2 cores.

    python scripts/build_animals.py --data animals.zip
    python scripts/train_linear_animals.py

Softmax, multiclass hinge and squared hinge, each without a penalty of the weights, with L1, L2 or
both (elastic net); the best on the validation photos is evaluated on the test photos.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, experiments, training, transfer, zoo

PENALTIES = {"none": (0, 0), "L1": (1, 0), "L2": (0, 1), "elastic net": (0.5, 0.5)}


@dataclass(frozen=True)
class Config(experiments.EstimatorConfig):
    """Linear classifiers on pixels."""

    output: Path = Path("runs/linear_animals/default")
    data: Path = Path("datasets/animals.h5")
    """Dataset file (.h5) that scripts/build_animals.py wrote."""
    epochs: int = 100
    """Passes over the training photos, for each classifier."""
    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2)
    """Strengths of the penalties to choose from."""


def main(config: Config) -> dict[str, Any]:
    with experiments.start_fitting(config, __file__) as fitting:
        from keras import losses, ops

        def answers(network: Any, photos: Any) -> Any:
            return ops.convert_to_numpy(ops.softmax(network(pixels.transform(photos))))

        def cross_entropy(labels: Any, scores: Any) -> Any:
            return losses.sparse_categorical_crossentropy(labels, scores, from_logits=True)

        # Every loss with every penalty, compared on the validation photos.
        (train, labels), (held_out, truth) = map(fitting.images, ("train", "validation"))
        pixels, classes = transfer.Pixels(train.shape[1]), len(fitting.file.class_names)
        samples, found, right = pixels.fit_transform(train), {}, {}
        strengths, epochs = config.strengths, 1 if config.smoke else config.epochs
        functions = cross_entropy, training.multiclass_hinge, training.squared_multiclass_hinge
        for loss, (penalty, (l1, l2)) in itertools.product(functions, PENALTIES.items()):
            for s in strengths if l1 or l2 else (0.0,):
                training.prepare(seed=config.seed)
                reg = ("elastic", s * l1, s * l2)
                network = zoo.MLP(samples.shape[1:], classes, hidden=(), reg=reg, end="linear")
                network.compile("adam", loss)
                network.fit(samples, labels, epochs=epochs, verbose=0)
                found[name := f"{loss.__name__}, {penalty} {s:g}"] = network
                right[name] = float((answers(network, held_out).argmax(1) == truth).mean())
                print(f"{name}: {100 * right[name]:.1f} % of the validation photos")
        best = fitting.best(right)
        facts: Any = {"chosen": best, "validation_rank1": right}
        return fitting.report(lambda images: answers(found[best], images), **facts)


if __name__ == "__main__":
    _cli.run(main, Config)
