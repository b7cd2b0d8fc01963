"""README.md of a bundle's repository: the hub's metadata, and how the bundle is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sightkit import __version__, _scripts, zoo
from sightkit._errors import few, visible
from sightkit.experiments import ledger
from sightkit.preprocessing import from_config
from sightkit.training.bundle_format import CLASSIFIERS, REGRESSOR, kind_of
from sightkit.training.classifier import Classifier
from sightkit.training.shown import steps

TASKS = {
    **dict.fromkeys(CLASSIFIERS, "image-classification"),
    **dict.fromkeys(("detector", "localizer", "hog_svm"), "object-detection"),
    **dict.fromkeys(("captcha", "captioner"), "image-to-text"),
    **dict.fromkeys(("fast_style", "upscaler"), "image-to-image"),
    "segmenter": "image-segmentation",
    "generator": "unconditional-image-generation",
}
"""Kind of a bundle to what the hub calls its task."""
NO_METRICS = ("count", "majority_baseline", "parameters", "penalty", "seed")
UNKNOWN = "not recorded"
LISTED = 100
"""Class names."""
PAGE = """---
{head}
---

# {name}

A bundle of sightkit: {kind}, as data, never code.

{facts}

## Use

```sh
pip install "sightkit[hub]"
sightkit hub pull --repository {repository} --output {name}
```

```python
from {module} import {loader}

bundle = {loader}("{name}")
print({call})
```

## Measured

{measured}

## Files

- `bundle.json`: kind, network, preprocessing, metrics, and the SHA-256 of the other files.
- `*.safetensors`: the weights of each network, those of its `.weights.h5` bit for bit, by their
  paths in Keras; for other tools.
- `canary.png`: a picture whose answer `bundle.json` holds. It is compared whenever the bundle is
  loaded: changed weights, another scale, channel order or crop are an error.
"""


def card(repository: str, bundle: Any, description: Mapping[str, Any], licence: str = "") -> str:
    """Return the README.md of a bundle's repository; its figures are those that the bundle holds.

    Args:
        repository: ``OWNER/NAME``.
        bundle: loaded.
        description: its bundle.json.
        licence: as the hub names it, ``mit``; none is named by default.
    """
    from huggingface_hub import EvalResult, ModelCardData

    kind, name = kind_of(description["kind"]), repository.partition("/")[2]
    task = TASKS.get(description["kind"])
    measured, data = [*_figures(description["metrics"])], _data(description)
    results = [
        EvalResult(
            task_type=task or description["kind"],
            dataset_type=data["data"],
            dataset_name=data["data"],
            dataset_split=split or None,
            dataset_revision=data.get("SHA-256 of the data"),
            metric_type="accuracy" if metric == "rank1" else metric,
            metric_name=metric,
            metric_value=value,
        )
        for split, metric, value, _ in measured
    ]
    head = ModelCardData(
        license=licence or None,
        library_name="sightkit",  # the hub's snippet for keras would not load a bundle
        pipeline_tag=task,
        tags=["keras", "sightkit", description["kind"]],
        model_name=name,
        eval_results=results or None,
    )
    module, _, loader = kind.loader.partition(",")[0].rpartition(".")
    facts = {**_facts(bundle, description), **data}
    return PAGE.format(
        head=head.to_yaml(),
        name=name,
        repository=repository,
        kind=kind.name,
        facts="\n".join(f"- {fact}: `{visible(each)}`" for fact, each in facts.items()),
        module=module,
        loader=loader,
        call=_call(description["kind"]),
        measured="\n".join(_table(measured, description)),
    )


def _figures(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, float, str]]:
    """Yield split, metric, value and interval: of test and validation, or all without a split."""
    splits = {name: metrics[name] for name in ("test", "validation") if name in metrics}
    for split, found in (splits or {"": metrics}).items():
        for name, value in found.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and math.isfinite(value) and name not in NO_METRICS:
                ends = found.get("intervals", {}).get(name, ())
                yield split, name, value, " to ".join(f"{end:.4g}" for end in ends)


def _data(description: Mapping[str, Any]) -> dict[str, str]:
    training = description["training"]
    sha256 = training.get("data_sha256") or description["metrics"].get("data_sha256")
    hashes = [sha256] if isinstance(sha256, str) else sha256 or ()
    names = [training.get("data"), *training.get("features", ()), UNKNOWN]
    data = {"data": Path(str(next(filter(None, names)))).name}
    return {**data, "SHA-256 of the data": " ".join(hashes)} if hashes else data


def _facts(bundle: Any, description: Mapping[str, Any]) -> dict[str, str]:
    facts = bundle.facts() if isinstance(bundle, Classifier) else {}
    if "network" in description:
        facts["network"] = zoo.name_of(description["network"])
        facts["parameters"] = f"{description['parameters']:,}"
    if "preprocessing" in description:
        facts["preprocessing"] = steps(from_config(description["preprocessing"]))
    names, versions = description["class_names"], description["versions"]
    what = "numbers" if description["kind"] == REGRESSOR else "classes"
    facts[f"{len(names):,} {what}"] = few(names, LISTED)
    facts["saved by"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return {**facts, "pushed by": f"sightkit {__version__}"}


def _call(kind: str) -> str:
    if kind in CLASSIFIERS:
        return 'bundle.top(bundle.predict("photo.jpg"), 3)'
    return "bundle.predict(4).shape" if kind == "generator" else 'bundle.predict("photo.jpg")[0]'


def _table(
    measured: list[tuple[str, str, float, str]], description: Mapping[str, Any]
) -> list[str]:
    if not measured:
        return ["The bundle holds no figures."]
    lines = ["| split | metric | value | 95 % |", "|---|---|---|---|"]
    lines += [f"| {split} | {name} | {value:.6g} | {ci} |" for split, name, value, ci in measured]
    if description["training"].get("smoke"):
        lines += ["", "A smoke run, on very little data: the figures mean nothing."]
    path = _scripts.FOLDER.parent / "benchmarks" / "results" / "experiments.csv"  # of a checkout
    weights = description.get("weights_sha256")
    for row in ledger.read(path) if weights else ():
        if row["weights_sha256"] == weights:
            where = f"{row['device']}, {row['cores']} cores, commit {row['commit']}"
            lines += ["", f"Ledger: `{row['command']}`, {row['date']}, {where}."]
    return lines
