"""Serve a trained network over HTTP: photos in, classes out; and a page to drop photos on.

    sightkit serve --bundle runs/photos/logistic/bundle
    curl -H "Content-Type: image/jpeg" --data-binary @photo.jpg http://127.0.0.1:8000/predict

Answers {"classes": [{"label": …, "probability": …}, …]}, as scripts/predict.py would. Open the
address that is printed for the page; /health and /metrics are for machines. Only this machine can
send requests, unless --host names another address. Ctrl-C or SIGTERM ends it once the requests in
progress are answered. Needs the extra: pip install "sightkit[serve]". More: docs/serving.md.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files, training, transfer
from sightkit.apps import deploy

MANY = 1_000_000
"""Photos that the network is compiled for: any engine pays."""


@dataclass(frozen=True)
class Config(deploy.ServeFlags):
    """Serve a trained network over HTTP."""


def main(config: Config) -> dict[str, Any]:
    # A port that is taken is known before anything is loaded.
    listener = deploy.listen(config.host, 0 if config.smoke else config.port)
    with tempfile.TemporaryDirectory() as scratch:
        folder = config.bundle or write_tiny_bundle(Path(scratch, "bundle"))
        bundle = transfer.load(folder, images=MANY, cache=_files.user_cache("compiled"))
        with deploy.serving(bundle, config, listener) as server:
            print(f"Open {server.address} and end with Ctrl-C here.", flush=True)
            if not config.smoke:
                server.wait()
                return {}
            answer = server.predict((folder / "canary.png").read_bytes())
    print(f"one request: {answer['classes'][0]}")
    return answer


def write_tiny_bundle(folder: Path) -> Path:
    """Write a network that has learnt nothing."""
    _cli.start_keras()
    from sklearn.datasets import load_digits

    from sightkit import zoo
    from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

    return training.save_bundle(
        folder,
        zoo.build("lenet", input_shape=(28, 28, 1), classes=10),
        preprocessing=Pipeline((SimplePreprocessor(28, 28), ImageToArrayPreprocessor())),
        class_names="0123456789",
        canary=(load_digits().images[0, ..., None] * 15).astype("uint8"),
    )


if __name__ == "__main__":
    _cli.run(main, Config)
