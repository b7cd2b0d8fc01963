"""An export on the disk: the network's file, what it says of itself, and the canary image."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from typing_extensions import TypedDict

from sightkit import __version__, _files, _output_folder, _schema, io, training, transfer
from sightkit._errors import SightkitError, in_a_line
from sightkit._schema import Name, Names
from sightkit.apps.deploy.exportable import Exportable, exportable
from sightkit.apps.deploy.exported import (
    PACKAGES,
    FormatName,
    converting,
    format_of,
    require_possible,
)
from sightkit.apps.deploy.proof import FEWEST, photos_for, prove, quantize, require_enough
from sightkit.apps.deploy.web_page import runtime_files, write_page
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle_format import CANARY
from sightkit.training.bundle_format import DESCRIPTION as BUNDLE_DESCRIPTION
from sightkit.training.classifier import require_canary
from sightkit.training.shown import steps

DESCRIPTION = "export.json"
FORMAT = "sightkit-export"
FLOAT = "float32_"
"""Beginning of the name of the file in float32 that an int8 file is made of."""


class Canary(TypedDict):
    """The canary image and the answer to it."""

    file: Name
    answer: list[float]


class ExportDescription(TypedDict):
    """What an export says of itself, in export.json and in the file's own metadata."""

    kind: FormatName
    file: Name
    input: dict[str, Any]
    output: dict[str, Any]
    class_names: Names
    preprocessing: dict[str, Any]
    inside: list[Name]
    canary: Canary
    proof: dict[str, Any]
    int8: dict[str, Any] | None
    facts: dict[str, Any]
    bundle: dict[str, Any]
    versions: dict[str, str]


def export_bundle(
    bundle: training.Bundle | transfer.FeatureClassifier,
    folder: str | os.PathLike[str],
    kind: FormatName = "onnx",
    *,
    data: Path | None = None,
    split: str = "test",
    int8: bool = False,
    page: str | os.PathLike[str] | None = None,
) -> ExportDescription:
    """Write a network for another runtime, once it has answered photos there as the bundle does.

    Args:
        bundle: a network, or networks with a linear head.
        folder: new; or of an earlier export, which is replaced at the end.
        kind: of the file.
        data: photos to compare on: dataset file, or folder; variations of the canary by default.
        split: of the file.
        int8: weights and activations of 8 bits; needs ``data`` with labels.
        page: folder of npm's onnxruntime-web, for a page that answers photos in the browser.

    Raises:
        SightkitError: a folder that holds something else, a bundle that is no formula
            (``exportable``), a network with something that the format lacks, an answer that
            differs by more than 1e-4, an int8 form that loses more than a point.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise SightkitError(
            "Networks are exported by TensorFlow's converters.",
            "Set KERAS_BACKEND=tensorflow.",
            backend=keras.backend.backend(),
        )
    require_possible(kind, int8=int8, data=data, page=page)
    if int8 and data is not None:
        require_enough(data, split, bundle.class_names)
    _output_folder.require_new(Path(folder), DESCRIPTION, FORMAT, overwrite=True)
    format_ = format_of(kind)
    runtime = runtime_files(page) if page is not None else {}
    canary = _canary_of(bundle)
    taken = exportable(bundle, canary)
    photos, source = photos_for(canary, data, split)
    with _output_folder.writing(Path(folder), DESCRIPTION, FORMAT) as (place, description):
        path = place / format_.file
        with converting(kind):
            format_.write(taken.network, path)
            exported = _as_bundle(path, kind, taken, bundle)
        found: dict[str, Any] = {
            "kind": kind,
            "file": format_.file,
            **_ends(exported, taken),
            "canary": {"file": CANARY, "answer": exported.predict(canary)[0].tolist()},
            "proof": dataclasses.asdict(prove(exported, bundle, photos, source)),
            "int8": None,
            "bundle": _hashes(bundle),
            "versions": {"sightkit": __version__, **_versions(PACKAGES[kind])},
        }
        if int8 and data is not None:
            full = path.rename(place / f"{FLOAT}{path.name}")
            with converting(kind):
                lost = quantize(taken.network, exported, full, path, data, split)
            full.unlink()
            exported = _as_bundle(path, kind, taken, bundle)
            found["int8"] = dataclasses.asdict(lost)
            found["canary"]["answer"] = exported.predict(canary)[0].tolist()
        format_.store(path, json.dumps(found))
        io.write_png(place / CANARY, canary)
        _require_same(_as_bundle(path, kind, taken, bundle), found["canary"]["answer"], place)
        if runtime:
            write_page(place, found, runtime)
        description.update(found)
    return _schema.checked(found, ExportDescription)


def load_exported(folder: str | os.PathLike[str]) -> training.Bundle:
    """Return an export as a classifier, answered by its own runtime; its canary is checked.

    Raises:
        SightkitError: no export, a damaged one, packages that are not installed, or another answer
            to the canary image than when it was written.

    Example:
        load_exported("exported").predict(["photo.jpg"])
    """
    folder = Path(folder)
    if not (folder / DESCRIPTION).is_file():
        raise SightkitError(
            f"An export is a folder with {DESCRIPTION} in it.",
            "scripts/deploy/export.py writes one.",
            export=str(folder),
        )
    found: Any = _schema.read(folder / DESCRIPTION, ExportDescription, "Export again.", more=True)
    format_ = format_of(found["kind"])
    path = folder / format_.file
    try:
        predictor, inside = format_(path), json.loads(format_.stored(path))
    except Exception as error:
        raise SightkitError(
            f"{path.name} must be as it was written ({in_a_line(error)}).",
            "Export again.",
            export=str(folder),
        ) from error
    if any(inside.get(key) != found[key] for key in get_type_hints(ExportDescription)):
        raise SightkitError(
            f"{DESCRIPTION} must say what the network's file says of itself.",
            "Export again.",
            export=str(folder),
        )
    chain, names = from_config(found["preprocessing"]), tuple(found["class_names"])
    exported = training.Bundle(_no_network, predictor, chain, names, dict(found), None, folder)
    _require_same(exported, found["canary"]["answer"], folder)
    return exported


def _require_same(exported: training.Bundle, answer: list[float], folder: Path) -> None:
    require_canary(exported.predict([folder / CANARY])[0], answer, folder, "export")


def _as_bundle(path: Path, kind: FormatName, taken: Exportable, bundle: Any) -> training.Bundle:
    predictor = format_of(kind)(path)
    chain: Preprocessor = taken.before
    return training.Bundle(
        _no_network, predictor, chain, bundle.class_names, {}, bundle.training_rows
    )


def _no_network() -> Any:
    raise SightkitError("An export has no Keras network.", "Load the bundle that it was made of.")


def _canary_of(bundle: Any) -> np.ndarray:
    if bundle.folder is None:
        raise SightkitError(
            "A bundle in a folder is exported: its canary image is part of the export.",
            "Save it with training.save_bundle first.",
            folder=None,
        )
    return io.read_image(bundle.folder / CANARY)


def _hashes(bundle: Any) -> dict[str, Any]:
    """Return SHA-256 of the bundle's bundle.json, and of the weights of its network or networks."""
    about = bundle.description
    weights = about.get("weights_sha256") or [
        each["identity"]["weights_sha256"] for each in about["networks"]
    ]
    return {
        "sha256": _files.sha256(bundle.folder / BUNDLE_DESCRIPTION),
        "weights_sha256": weights,
    }


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):  # a build of another name
            found[name] = metadata.version(name)
    return found


def _ends(exported: training.Bundle, taken: Exportable) -> dict[str, Any]:
    """Return what a caller must know of input and output."""
    predictor: Any = exported.predictor
    return {
        "input": {
            "name": predictor.input_name,
            "shape": ["batch", *predictor.input_shape[1:]],
            "dtype": "float32",
            "values": "RGB, or grey, 0-255, channels last, after the steps of preprocessing",
        },
        "output": {
            "name": predictor.output_name,
            "shape": ["batch", *predictor.output_shape[1:]],
            "dtype": "float32",
        },
        "class_names": list(exported.class_names),
        "preprocessing": taken.before.to_config(),
        "inside": taken.inside,
        "facts": predictor.facts,
    }


def summary(found: Any) -> str:
    """Return in a few lines what an export's description says."""
    proof, lost = found["proof"], found["int8"]
    source = f"{proof['source']}, in float32" if lost else proof["source"]
    lines = [
        f"{found['kind']}: input {found['input']['name']} {found['input']['shape']}, output "
        f"{found['output']['name']} {found['output']['shape']}",
        f"before it: {steps(from_config(found['preprocessing'])) or 'nothing'}; "
        f"inside: {', '.join(found['inside']) or 'no step'}",
        f"{proof['photos']} photos ({source}): largest difference "
        f"{proof['largest_difference']:.1g}, the same best class on {proof['same_top1']:.1%}",
    ]
    if lost is not None:
        verdict = (
            f"{100 * lost['lost']:+.2f} points lost"
            if lost["lost"] is not None
            else f"no verdict below {FEWEST:,} photos"
        )
        lines.append(
            f"int8: another best class on {lost['other_top1']:,} of {lost['photos']:,} photos; "
            f"{verdict}"
        )
    return "\n".join(lines)
