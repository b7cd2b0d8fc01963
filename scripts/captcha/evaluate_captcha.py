"""Accuracy of whole captchas: a text is right only if each of its characters is.

    sightkit captcha/evaluate_captcha --bundle runs/captcha/default/bundle --captchas CAPTCHAS \\
        --labels benchmarks/results/ezpass_labels.csv --output texts.json

LABELS is a table (file, text, perhaps sha256) of captchas in the folder CAPTCHAS. A captcha that
cannot be read, or in which another number of characters is found, is wrong and counted as such.
texts.html beside texts.json shows the picture of each wrong text.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files, training
from sightkit.apps import captcha
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(captcha.EvaluationFlags):
    """Evaluate a network on whole captchas."""


def main(config: Config) -> dict[str, Any]:
    description = training.check_bundle(config.bundle, captcha.READERS)
    alphabet = captcha.require_characters(description["class_names"], config.bundle)
    with tempfile.TemporaryDirectory() as scratch:
        folder, table = config.captchas, config.labels
        if folder is None or table is None:
            folder, table = Path(scratch), Path(scratch, "labels.csv")
            captcha.write_labelled_captchas(folder, table, 20)
        rows = captcha.read_labels(table, alphabet)
        paths = captcha.files_of(rows, folder)
        reader = captcha.open_reader(config.bundle, config.length)
        found = captcha.evaluate_texts(reader, rows, paths)
    metrics = found.to_metrics()
    _files.write_json(config.output, metrics)
    captcha.write_text_page(config.output.with_suffix(".html"), found, str(config.bundle))
    print(f"{found}\n{config.output.with_suffix('.html')}")
    if config.captchas is not None:
        test = {"test": {"count": found.count, **metrics}}
        ledger.record_evaluation("evaluate_captcha", test, config.captchas)
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
