"""What a trained network is, as data, never code."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from sightkit import __version__, _files, inference, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline, Preprocessor, from_config
from sightkit.training.run import Run
from sightkit.training.state import weights_sha256

if TYPE_CHECKING:
    from sightkit.io import HDF5DatasetGenerator

FORMAT = "sightkit-bundle"
SCHEMA = 1
DESCRIPTION = "bundle.json"
WEIGHTS = "model.weights.h5"
CANARY = "canary.png"
TOLERANCE = 1e-3
FIELDS: dict[str, type] = {
    "schema": int,
    "network": dict,
    "class_names": list,
    "preprocessing": dict,
    "training": dict,
    "files": dict,
    "canary": list,
}


@dataclass(frozen=True)
class Bundle:
    """A network with everything that belongs to it; made by ``load_bundle``.

    Attributes:
        network: plain Keras model in float32.
        predictor: preprocessed (N, H, W, C) float32 to (N, classes) float32.
        preprocessing: image, uint8 RGB or grey of any size, to what the predictor takes.
        class_names: in the order of the predictor's outputs.
        description: all of bundle.json.
    """

    network: keras.Model
    predictor: inference.Predictor
    preprocessing: Preprocessor
    class_names: tuple[str, ...]
    description: dict[str, Any]

    def predict(self, images: Sequence[np.ndarray | str | os.PathLike[str]]) -> np.ndarray:
        """Classify images as they come: decoded and preprocessed exactly as in training.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files.

        Returns:
            float32 (N, classes), probabilities.

        Raises:
            SightkitError: a file that is no image; it is named.
        """
        size = self.predictor.batch_size
        parts = [
            self.predictor(
                np.stack([self._prepare(image) for image in images[start : start + size]])
            )
            for start in range(0, len(images), size)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.class_names)), np.float32)

    def top(self, probabilities: np.ndarray, count: int) -> list[dict[str, float]]:
        """For each row of ``predict``'s answer the most probable classes, the first first."""
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
        return [
            {self.class_names[k]: float(row[k]) for k in order}
            for row, order in zip(probabilities, best, strict=True)
        ]

    def _prepare(self, image: np.ndarray | str | os.PathLike[str]) -> np.ndarray:
        if not isinstance(image, np.ndarray):
            image = sightkit_io.read_image(image)
        return self.preprocessing(image)


def format_top(answers: Mapping[str, Mapping[str, float]]) -> str:
    """Pictures and their most probable classes, as lines for the terminal."""
    lines = []
    for picture, classes in answers.items():
        lines.append(picture.encode("utf-8", "replace").decode())  # a name may be no text
        lines += [f"  {100 * share:6.2f} %  {name}" for name, share in classes.items()]
    return "\n".join(lines)


def save_bundle(
    folder: str | os.PathLike[str],
    network: keras.Model,
    *,
    preprocessing: Pipeline,
    class_names: Sequence[str],
    canary: np.ndarray,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write a bundle; a folder that stands there is replaced once the new one is whole.

    Args:
        folder: of the bundle.
        network: built by the zoo, trained, in any precision; it is saved as a float32 network.
        preprocessing: the evaluation chain, from decoded image to the network's input.
        class_names: in label order.
        canary: uint8 image, (H, W, 3) RGB or (H, W, 1); what the network says of it is stored
            and compared whenever the bundle is loaded.
        metrics: what was measured, JSON.
        training: what it was trained on and how (precision, seed, data), JSON.

    Returns:
        The folder.
    """
    folder = Path(folder)
    classes = network.output_shape[-1]
    if len(class_names) != classes:
        raise SightkitError(
            "There must be a class name for each output of the network.",
            class_names=len(class_names),
            outputs=classes,
        )
    temporary = folder.with_name(f".{folder.name}{_files.PARTIAL}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    origin = zoo.origin(network)
    saved = _build_float32(origin)
    saved.set_weights(network.get_weights())
    saved.save_weights(temporary / WEIGHTS)
    sightkit_io.write_png(temporary / CANARY, canary)
    expected = inference.compile(saved)(preprocessing(canary)[np.newaxis])[0]
    description = {
        "format": FORMAT,
        "schema": SCHEMA,
        "kind": "classifier",
        "network": origin,
        "class_names": list(class_names),
        "preprocessing": preprocessing.to_config(),
        "training": dict(training or {}),
        "metrics": dict(metrics or {}),
        "parameters": saved.count_params(),
        "weights_sha256": weights_sha256(saved),
        "files": {name: _files.sha256(temporary / name) for name in (WEIGHTS, CANARY)},
        "canary": [float(value) for value in expected],
        "versions": {"sightkit": __version__, "keras": keras.__version__},
    }
    description["sha256"] = _digest(description)
    _files.write_json(temporary / DESCRIPTION, description)
    _files.sync(temporary / WEIGHTS)
    _replace_folder(temporary, folder)
    return folder


def save_run_bundle(
    run: Run, network: keras.Model, data: HDF5DatasetGenerator, metrics: Mapping[str, Any]
) -> Path:
    """Write the bundle of a run: preprocessing, class names and canary are those of its data.

    Args:
        run: whose folder gets the bundle.
        network: trained.
        data: unshuffled generator of a split that was not trained on; the first of its images
            that the network gets right becomes the canary, the chain of its file and its own chain
            become the preprocessing.
        metrics: what was measured, JSON.
    """
    chain = [from_config(data.file.preprocessing)]
    if data.preprocessors is not None:
        chain.append(from_config(data.preprocessors.to_config()))
    images, labels = data[0]
    right = inference.compile(network)(images).argmax(axis=1) == labels
    return save_bundle(
        run.path(_files.BUNDLE),
        network,
        preprocessing=Pipeline(chain),
        class_names=data.class_names,
        canary=data.images(slice(None))[int(right.argmax())],
        metrics=metrics,
        training={**run.config, "data_sha256": data.file.sha256},
    )


def load_bundle(folder: str | os.PathLike[str]) -> Bundle:
    """Build the network that a bundle describes, and check that it still says what it said.

    Only builders of the zoo are called and only weights are read: nothing in a bundle is code.

    Raises:
        SightkitError: no bundle, a damaged file, an unknown builder or preprocessor, or an answer
            to the canary image that differs by more than 1e-3.
    """
    folder = Path(folder)
    description = _read_description(folder)
    for name in (WEIGHTS, CANARY):
        path = folder / name
        if not path.is_file() or _files.sha256(path) != description["files"].get(name):
            raise _damaged(folder, f"{name} is missing or not the file that was saved")
    network = _build_float32(description["network"])
    if network.output_shape[-1] != len(description["class_names"]):
        raise _damaged(folder, "it names more or fewer classes than the network tells apart")
    zoo.load_weights(network, folder / WEIGHTS)
    bundle = Bundle(
        network=network,
        predictor=inference.compile(network),
        preprocessing=from_config(description["preprocessing"]),
        class_names=tuple(description["class_names"]),
        description=description,
    )
    _check_canary(folder, bundle)
    return bundle


def _build_float32(origin: Mapping[str, Any]) -> keras.Model:
    """Build a network in float32, whatever precision is set for training."""
    if set(origin) != {"builder", "arguments"} or not isinstance(origin["arguments"], Mapping):
        raise SightkitError(
            "A network is named by its builder and arguments.", found=sorted(origin)
        )
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return zoo.build(origin["builder"], **origin["arguments"])
    finally:
        keras.config.set_dtype_policy(policy)


def _read_description(folder: Path) -> dict[str, Any]:
    if not (folder / DESCRIPTION).is_file():
        raise SightkitError(
            f"A bundle is a folder with {DESCRIPTION} in it.",
            "A training script writes one to RUN/bundle.",
            bundle=str(folder),
        )
    description = _files.read_json(folder / DESCRIPTION)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise _damaged(folder, f"{DESCRIPTION} is not a bundle's")
    schema = description.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise SightkitError(
            "The bundle was written by a newer version.", "Update sightkit.", bundle=str(folder)
        )
    if description.pop("sha256", None) != _digest(description):
        raise _damaged(folder, f"{DESCRIPTION} is not as it was written")
    for name, kind in FIELDS.items():
        if not isinstance(description.get(name), kind):
            raise _damaged(folder, f"{name} in {DESCRIPTION} must be a {kind.__name__}")
    return description


def _digest(description: Mapping[str, Any]) -> str:
    """SHA-256 of a description without its own hash: finds what rotted or was edited by hand."""
    text = json.dumps(description, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_canary(folder: Path, bundle: Bundle) -> None:
    answer = bundle.predict([folder / CANARY])[0]
    expected = np.asarray(bundle.description["canary"], np.float32)
    difference = float(np.abs(answer - expected).max()) if answer.shape == expected.shape else None
    if difference is None or not difference <= TOLERANCE:
        raise SightkitError(
            "The network must answer to the canary image as it did when it was saved.",
            "Network, weights or preprocessing have changed: do not trust this bundle.",
            bundle=str(folder),
            difference=difference,
        )


def _replace_folder(new: Path, folder: Path) -> None:
    """Rename a whole folder onto another one; the old one goes only when the new one stands."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():  # killed between the two renames below
        os.replace(old, folder)
    shutil.rmtree(old, ignore_errors=True)
    _files.sync(new)
    if folder.exists():
        os.replace(folder, old)
    os.replace(new, folder)
    _files.sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _damaged(folder: Path, reason: str) -> SightkitError:
    return SightkitError(
        f"The bundle is damaged: {reason}.", "Fetch or train it again.", bundle=str(folder)
    )
