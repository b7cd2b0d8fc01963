"""Three pixels on a stand-in: what a training script writes, in a second.

Not measured yet.

    python fake_experiment.py

It stops for SIGINT after an epoch, and goes on with --resume.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _cli, _files, experiments

ENVIRONMENT = {
    "python": "3.11",
    "system": "Linux",
    "backend": "jax",
    "versions": {"keras": "3", "jax": "1"},
    "device": "CPU A",
    "processor_flags": [],
    "cores": 2,
    "threads": None,
    "commit": "c",
    "command": "python fake_experiment.py",
    "folder": "/",
}


@dataclass(frozen=True)
class Config(experiments.Config):
    """A stand-in for an experiment."""

    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {"reference": {}}

    output: Path = Path("runs/fake")
    epochs: int = 3
    batch_size: int = 32
    data: Path = Path("data.h5")
    hash: str = "d" * 64
    wait: int = 0
    """Epochs after which it waits for SIGINT; 0 never."""
    fail: int = 0
    """Fail with this seed."""
    bits: str = "w"
    shift: float = 0.0


def main(config: Config) -> dict[str, Any]:
    if config.seed == config.fail:
        print("epochs must be at least 1.", file=sys.stderr)
        sys.exit(2)
    folder, received = config.output, []
    signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    time.sleep(0.4)  # on any processor more than the ledger's least minutes, 0.01
    folder.mkdir(parents=True, exist_ok=True)
    data = {"file": str(config.data.resolve()), "sha256": config.hash}
    _files.write_json(folder / "environment.json", {**ENVIRONMENT, "data": data})
    settings = {"experiment": "fake_experiment", "epochs": config.epochs, "seed": config.seed}
    (folder / "config.json").write_text(json.dumps({**settings, "recipe": config.recipe}))
    history = folder / "history.csv"
    done = history.read_text().splitlines()[1:] if history.exists() and config.resume else []
    (folder / "resumed_after").write_text(str(len(done)))
    for epoch in range(len(done), config.epochs):
        done.append(f"{epoch + 1},0.5")
        history.write_text("\n".join(["epoch,loss", *done, ""]))
        while 0 < config.wait <= len(done) and not received:
            time.sleep(0.02)
        if received:
            sys.exit(130)
    rank1 = 0.9 + config.seed / 100 + config.shift
    recall = [{"class": "smiling", "recall": 0.8}]
    test = {"rank1": rank1, "rank5": None, "loss": 1.0, "count": 10, "per_class": recall}
    metrics = {"test": test, "train": {"count": 30}, "parameters": 7, "weights_sha256": config.bits}
    (folder / "bundle").mkdir(exist_ok=True)
    (folder / "bundle" / "bundle.json").write_text(json.dumps({"network": {"builder": "fake"}}))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
