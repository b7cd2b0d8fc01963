"""The training of an upscaler, from its flags to its bundle."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, _run_files, training
from sightkit.apps.generative.enlargement_quality import compare_enlargements
from sightkit.apps.generative.picture_folder import (
    read_pictures,
    sample_pictures,
    split_pictures,
)
from sightkit.apps.generative.upscaler_flags import UpscalerFlags
from sightkit.apps.generative.upscaler_setup import UpscalerSetup, require_patch

WARM_UP = 0.05
"""Share of the steps in which the rate rises."""
LAST_RATE = 0.01
"""Share of the highest rate that the last step has."""
SHARPER = 5.0
"""Factor of the first filters, see ``sharpen_filters``."""
FOR_UPSCALER = "the upscaler, for scripts/generative/upscale.py"

ANY_SIDE = 36
"""Pixels: a side that every network can be built for."""

Parts = Mapping[str, Mapping[str, np.ndarray]]


@contextlib.contextmanager
def start_upscaler(
    config: UpscalerFlags, script: str | os.PathLike[str]
) -> Iterator[tuple[training.Run, Parts]]:
    """Lock the run folder, read the pictures and split them; no Keras yet.

    Args:
        config: the script's flags.
        script: ``__file__``; its name is the experiment's.

    Yields:
        The run, and the pictures of ``train`` and ``val`` by path, and of ``test`` with --test.

    Raises:
        SightkitError: as ``training.Run.open``; no pictures, or one that is smaller than a patch.
    """
    with training.Run.open(config, experiment=Path(script).stem) as run:
        pictures = (
            sample_pictures()
            if config.smoke
            else read_pictures(config.data, follow_links=config.follow_links)
        )
        parts = dict(split_pictures(pictures, config.validation, config.split_seed))
        for part in parts.values():
            require_patch(part, config.factor, config.patch)
        if config.test is not None:
            parts["test"] = read_pictures(config.test, follow_links=config.follow_links)
            compare_enlargements(parts["test"], config.factor)  # refuses small ones now
        print(f"{len(parts['train'])} pictures to learn from, {len(parts['val'])} for validation.")
        yield run, parts


def train_upscaler(
    config: UpscalerFlags,
    run: training.Run,
    parts: Parts,
    *,
    callbacks: Sequence[Any] = (),
) -> dict[str, Any]:
    """Train an upscaler, compare it with bicubic on pictures it has not seen, write its bundle.

    Args:
        config: the script's flags.
        run: of ``start_upscaler``, and so ``parts``.
        callbacks: further ones of ``training.fit``.

    Returns:
        The contents of metrics.json.

    Raises:
        SightkitError: a training that does not come back, see ``training.fit``.
    """
    import keras

    from sightkit import zoo
    from sightkit.apps.generative.patch_batches import PatchBatches, grid_batches
    from sightkit.apps.generative.upscaler_bundle import save_upscaler, upscaler_of

    training.prepare(seed=config.seed, precision=config.precision)
    channels = 3 if config.network == "srcnn" else 1

    def build(side: int) -> Any:
        shape = (side, side, channels)
        return zoo.build(config.entry, input_shape=shape, **config.arguments())

    # The side of the input depends on the network, whatever size it is built for.
    setup = UpscalerSetup.of(zoo.origin(build(ANY_SIDE)), config.factor)
    network = build(setup.side(config.patch // config.factor))
    if config.from_bicubic:
        sharpen_filters(network)
    pictures = {name: list(part.values()) for name, part in parts.items()}
    batch_size = config.batch_size
    train = PatchBatches(
        pictures["train"], setup, patch=config.patch, count=config.patches,
        batch_size=batch_size, augment=config.augment, seed=config.seed,
    )  # fmt: skip
    validation = grid_batches(pictures["val"], setup, patch=config.patch, batch_size=batch_size)
    identity = f"{train.sha256} {validation.sha256}"
    run.write_environment(data={"file": str(config.data.resolve()), "sha256": identity})
    steps = config.epochs * len(train)
    rising = max(1, round(WARM_UP * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), LAST_RATE,
        warmup_target=config.learning_rate, warmup_steps=rising,
    )  # fmt: skip
    network.compile(keras.optimizers.Adam(rate), "mean_squared_error")
    begin, cpu = time.monotonic(), time.process_time()
    training.fit(
        network, train, validation, run=run, epochs=config.epochs, callbacks=callbacks,
        preflight=False,
    )  # fmt: skip
    run.write_training_seconds(time.monotonic() - begin, time.process_time() - cpu)
    metrics: dict[str, Any] = training.facts(network, seed=config.seed)
    metrics |= {"network": config.network, "factor": config.factor}
    upscaler = upscaler_of(network, config.factor)
    metrics["train"] = {"count": len(pictures["train"])}
    for part in [name for name in pictures if name != "train"]:
        bicubic = compare_enlargements(pictures[part], config.factor)
        found = compare_enlargements(
            pictures[part], config.factor, enlarge=upscaler.enlarge_planes, channels=channels
        )
        above = found["psnr"] - bicubic["psnr"]
        metrics[part] = {"count": len(pictures[part]), **found, "psnr_above_bicubic": above}
    _files.write_json(run.path(_run_files.METRICS), metrics)
    save_upscaler(
        run.path(_run_files.BUNDLE), network, config.factor, pictures["val"][0],
        metrics=metrics, training=run.config,
    )  # fmt: skip
    run.tidy()
    print(describe(metrics))
    print(run.describe(FOR_UPSCALER))
    return metrics


def sharpen_filters(network: Any) -> None:
    """Let the first filters of an SRCNN that passes on its input see differences alone, and larger.

    A filter that sums to zero does not answer to the brightness of a patch, which is far larger
    than what distinguishes it; the factor brings its answers to about the size of the input.

    Args:
        network: ``SRCNN`` with the initializer ``"dirac"``; its first filters, as many as it has
            channels, stay as they are.
    """
    layer = network.get_layer("conv1")
    kernel, bias = layer.get_weights()
    others = kernel[..., kernel.shape[2] :]
    others -= others.mean(axis=(0, 1, 2))
    others *= SHARPER
    layer.set_weights([kernel, bias])


def describe(metrics: Mapping[str, Any]) -> str:
    """Return a line for each part that was enlarged: its PSNR, and how far above bicubic's."""
    lines = [
        f"{title} pictures x{metrics['factor']}: {metrics[part]['psnr']:.2f} dB, "
        f"{metrics[part]['psnr_above_bicubic']:+.2f} beside bicubic; "
        f"{metrics['parameters']:,} parameters."
        for part, title in (("val", "Validation"), ("test", "Test"))
        if part in metrics
    ]
    return "\n".join(lines)
