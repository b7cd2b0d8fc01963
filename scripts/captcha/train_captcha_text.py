"""Captchas read whole: trained on a folder of TEXT.png, without cutting the characters out.

Measured: 98.99 ± 0.62 (texts_right) % (n = 5), 7.4 minutes, AMD EPYC, 2 cores.
Measured, best --method heads: 97.89 ± 0.83 (texts_right) % (n = 5), 8.2 minutes, AMD EPYC, 2 cores.
Measured, best --pictures 400: 98.49 (texts_right) % (n = 1), 7.5 minutes, AMD EPYC, 2 cores.
Measured, best --method heads --pictures 400: 94.97 (texts_right) % (n = 1), 7.4 minutes, AMD EPYC,
2 cores.
Measured, best --pictures 200: 98.49 (texts_right) % (n = 1), 6.8 minutes, AMD EPYC, 2 cores.
Measured, best --method heads --pictures 200: 89.45 (texts_right) % (n = 1), 7.2 minutes, AMD EPYC,
2 cores.
Measured, best --pictures 100: 97.49 (texts_right) % (n = 1), 7.3 minutes, AMD EPYC, 2 cores.
Measured, best --method heads --pictures 100: 86.43 (texts_right) % (n = 1), 7.4 minutes, AMD EPYC,
2 cores.
Measured, best --pictures 50: 94.47 (texts_right) % (n = 1), 7.7 minutes, AMD EPYC, 2 cores.
Measured, best --method heads --pictures 50: 86.93 (texts_right) % (n = 1), 7.8 minutes, AMD EPYC, 2
cores.

    python scripts/captcha/train_captcha_text.py --data FOLDER
    python scripts/captcha/train_captcha_text.py --data FOLDER --method heads
    python scripts/captcha/train_captcha_text.py --data FOLDER --pictures 100   # of all

Each file's name is its text; alphabet and length are read from the names. ``ctc`` reads texts of
any length, ``heads`` has a head for each place. A fifth of the texts, fixed by their hashes, is
tested once; of the others a fifth is for validation: the epoch and the confidence below which the
reader does not answer are chosen by it. See docs/captcha.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, training
from sightkit.apps import captcha
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(captcha.TextFlags):
    """Train a reader of captchas."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    captchas = captcha.read_text_folder(config.folder(), alphabet=config.alphabet)
    parts = captcha.divide(captchas, config.pictures)
    with training.Run.open(config, experiment=Path(__file__).stem) as run:
        run.write_environment(data={"file": config.data.name, "sha256": captchas.sha256})
        _cli.start_keras(config.connect)
        training.prepare(seed=config.seed, precision=config.precision)
        reading = config.reading(captchas, parts)

        train, validation = reading.batches("train"), reading.batches("validation")
        network = reading.network()
        reading.compile(network, train, learning_rate=config.learning_rate, epochs=config.epochs)
        with run.timed():
            training.fit(network, train, validation, run=run, epochs=config.epochs,
                         preflight=False, callbacks=callbacks)  # fmt: skip

        metrics = reading.report(run, network, recombined=train.pool.pictures)
    if not config.smoke:
        ledger.record_run(run.folder)
    print(captcha.describe_reading(metrics, run.folder))
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
