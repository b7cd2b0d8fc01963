"""Export every classifier of the zoo in every format, and compare the files with the networks.

    python benchmarks/exports.py [--quick] [--only NAME …] [--json FILE]

Each network has its smallest size and random weights, batch statistics too. What is measured
already (the same versions of the packages) is not measured again, so that a stopped run goes on.
The largest difference is that of a probability, over a photo and 64 variations of it.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

import measure
import numpy as np

from sightkit import _cli, _files, io, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.apps import deploy
from sightkit.apps.deploy.exported import FormatName
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

PACKAGES = ("keras", "tensorflow", "tf2onnx", "onnxruntime", "ai-edge-litert", "openvino")
QUICK = ("mlp", "lenet")


@dataclass(frozen=True)
class Config:
    """Export every classifier of the zoo."""

    only: tuple[str, ...] = ()
    """Names of networks; all by default."""
    quick: bool = False
    """Two small networks."""
    json: Path | None = None
    """File of the rows, which is added to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    known = measure.read(config.json) if config.json and config.json.is_file() else []
    rows = [row for row in known if row["versions"] == versions]
    done = {(row["network"], row["format"]) for row in rows}
    for name in config.only or (QUICK if config.quick else zoo.names("classifier")):
        kinds = [kind for kind in get_args(FormatName) if (name, kind) not in done]
        if not kinds:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            bundle = small_bundle(name, Path(scratch))
            for kind in kinds:
                rows.append({**exported(bundle, kind, Path(scratch)), "network": name})
                rows[-1]["versions"] = versions
                print({k: v for k, v in rows[-1].items() if k != "versions"}, flush=True)
                if config.json is not None:
                    _files.write_json(config.json, rows)
    return rows


def small_bundle(name: str, scratch: Path) -> Any:
    """Return the bundle of a network of the smallest size whose weights are random."""
    network = zoo.build(name, **zoo.entry(name).sample)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if weight.path.endswith(("moving_mean", "beta", "bias")):
            weight.assign(rng.normal(0, 0.1, weight.shape))
        elif weight.path.endswith(("moving_variance", "gamma")):
            weight.assign(rng.uniform(0.8, 1.2, weight.shape))
    height, width, _ = network.input_shape[1:]
    io.write_sample_photos(scratch)
    folder = training.save_bundle(
        scratch / "bundle",
        network,
        preprocessing=Pipeline((SimplePreprocessor(width, height), ImageToArrayPreprocessor())),
        class_names=[f"class {index}" for index in range(network.output_shape[-1])],
        canary=min(scratch.rglob("*.png")),
    )
    return transfer.load(folder)


def exported(bundle: Any, kind: FormatName, scratch: Path) -> dict[str, Any]:
    """Return the row of a format: difference, seconds and bytes; or why there is no file."""
    folder, start = scratch / f"exported_{kind}", time.perf_counter()
    try:
        found = deploy.export_bundle(bundle, folder, kind)
    except SightkitError as error:
        # A path of this machine says nothing to others.
        return {"format": kind, "reason": re.sub(r"\S*/\S*\.partial\S*", "the file", str(error))}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        "format": kind,
        "largest_difference": found["proof"]["largest_difference"],
        "same_top1": found["proof"]["same_top1"],
        "seconds": round(time.perf_counter() - start, 1),
        "bytes": sum(path.stat().st_size for path in files if path.suffix != ".png"),
    }


if __name__ == "__main__":
    _cli.run(main, Config)
