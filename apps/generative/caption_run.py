"""The training of a captioner, from its flags to its bundle."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sightkit import _files, _run_files, training
from sightkit._errors import visible
from sightkit.apps.generative.caption_flags import CaptionFlags
from sightkit.apps.generative.captions import CaptionedPictures, Vocabulary

WARM_UP = 0.05
FOR_CAPTIONER = "the captioner, for scripts/generative/caption.py"


@contextlib.contextmanager
def start_captioning(config: CaptionFlags, script: str | os.PathLike[str]) -> Iterator[CaptionRun]:
    """Read the sentences and lock the run folder; no Keras yet.

    Raises:
        SightkitError: as ``training.Run.open`` and ``CaptionFlags.pictures``.
    """
    pictures = config.pictures()
    with training.Run.open(config, experiment=Path(script).stem) as run:
        yield CaptionRun(config, run, pictures)


class CaptionRun:
    """One training; made by ``start_captioning``.

    Attributes:
        config: the script's flags.
        run: its folder.
        pictures: by split.
        vocabulary: words of the training.
    """

    def __init__(
        self, config: CaptionFlags, run: training.Run, pictures: Mapping[str, CaptionedPictures]
    ) -> None:
        self.config, self.run, self.pictures = config, run, pictures
        sentences = (text for several in pictures["train"].sentences for text in several)
        self.vocabulary = Vocabulary.of(sentences, config.least)

    def network(self) -> Any:
        """Set seed and precision; build the network, its base pretrained."""
        from sightkit import transfer
        from sightkit.apps.generative.caption_network import Captioner

        config = self.config
        training.prepare(seed=config.seed, precision=config.precision)
        network = Captioner(
            (*config.size, 3), len(self.vocabulary), length=config.length, base=config.base,
            cut=config.cut, units=config.units, dropout=config.dropout,
        )  # fmt: skip
        if config.pretrained:
            transfer.load_trained_body(network, config.base)
        return network

    def chain(self) -> Any:
        """Return what the network needs of a photo: stretched to its size, scaled as the base."""
        from sightkit import transfer
        from sightkit.preprocessing import ColourPreprocessor, Pipeline, SimplePreprocessor

        size = (self.config.height, self.config.width)
        pixels = transfer.preprocessing_of(self.config.base, size).steps[2:]
        return Pipeline((ColourPreprocessor(), SimplePreprocessor(size[1], size[0]), *pixels))

    def fit(self, network: Any) -> None:
        """Compute the maps of all pictures, then train what looks at them."""
        from sightkit import callbacks, inference
        from sightkit.apps.generative.caption_network import split_captioner
        from sightkit.apps.generative.caption_training import (
            CaptionBatches,
            compile_captioner,
            maps_of,
        )

        config, run, chain = self.config, self.run, self.chain()
        identity = " ".join(each.identity for each in self.pictures.values())
        file = str(config.data.resolve()) if config.data else "drawn scenes"
        run.write_environment(data={"file": file, "sha256": identity})
        body, learning = split_captioner(network)
        count = sum(map(len, self.pictures.values()))
        compiled = inference.compile(body, images=count)
        batches = {
            split: CaptionBatches(
                self.pictures[split], maps_of(self.pictures[split], chain, compiled),
                self.vocabulary, config.length, config.batch_size,
                shuffle=split == "train", seed=config.seed,
            )
            for split in ("train", "val")
        }  # fmt: skip
        steps = config.epochs * len(batches["train"])
        rate = callbacks.warmed_cosine(config.learning_rate, steps, WARM_UP)
        compile_captioner(learning, rate)
        with run.timed():
            training.fit(
                learning, batches["train"], batches["val"], run=run, epochs=config.epochs,
                preflight=False,
            )  # fmt: skip

    def report(self, network: Any) -> dict[str, Any]:
        """Evaluate validation and, once, test pictures; write metrics, a sheet and the bundle."""
        from sightkit import zoo
        from sightkit.apps.generative.caption_sheet import draw_captions
        from sightkit.apps.generative.caption_training import evaluate_captioner
        from sightkit.apps.generative.captioner_bundle import PictureCaptioner

        run, config = self.run, self.config
        saved = zoo.rebuild(zoo.origin(network))
        saved.set_weights(network.get_weights())
        captioner = PictureCaptioner(saved, self.chain(), self.vocabulary, config.beams)
        metrics: dict[str, Any] = training.facts(network, seed=config.seed)
        metrics["train"] = {"count": len(self.pictures["train"])}
        for split in ("val", "test"):
            metrics[split] = evaluate_captioner(captioner, self.pictures[split])
        _files.write_json(run.path(_run_files.METRICS), metrics)
        test, examples = self.pictures["test"], metrics["test"]["examples"]
        images = [test.read(example["row"]) for example in examples]
        draw_captions(images, examples, run.path(_run_files.CAPTIONS))
        bundle, canary = run.path(_run_files.BUNDLE), self.pictures["val"].read(0)
        captioner.save(bundle, canary, metrics=metrics, training=run.config)
        run.tidy()
        return metrics


def describe_captions(metrics: Mapping[str, Any], run: training.Run) -> str:
    """Return the result of a training for the terminal."""
    test = metrics["test"]
    example = test["examples"][0]
    return "\n".join([
        f"Test, {test['count']:,} pictures of sentences that no training picture has: "
        + "; ".join(
            f"{name} {100 * test[key]['exact']:.1f} % word for word, "
            f"BLEU-4 {test[key]['bleu4']:.3f}"
            for name, key in (("greedy", "greedy"), ("beam search", "beams"))
        )
        + ".",
        f"  {visible(example['references'][0])!r} was read as {visible(example['answer'])!r}",
        run.describe(FOR_CAPTIONER),
    ])  # fmt: skip
