"""An exported network, answered by its own format's runtime: the four formats."""

from __future__ import annotations

import abc
import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from sightkit._errors import SightkitError, in_a_line
from sightkit.inference.openvino_engine import UnavailableError
from sightkit.inference.predictor import Predictor

if TYPE_CHECKING:
    import keras

FormatName = Literal["onnx", "litert", "saved_model", "openvino"]
MODULES = {name: f"sightkit.apps.deploy.{name}_format" for name in get_args(FormatName)}
"""Each has a class ``Exported``."""
PACKAGES = {
    "onnx": ("keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime"),
    "litert": ("keras", "tensorflow", "ai-edge-litert"),
    "saved_model": ("keras", "tensorflow"),
    "openvino": ("keras", "tensorflow", "openvino"),
}
"""What writes and answers each."""
BATCH = 32
"""Images that go through an exported network at once."""


class ExportedPredictor(Predictor):
    """Images in (what the steps before it give), probabilities out, by a format's own runtime.

    Each is made of a path.

    Attributes:
        file: name of the file, or folder, in an export's folder.
        input_name: of the one input, float32.
        output_name: of the one output, float32.
        facts: of the format, for the description: the opset, for example.
    """

    file: ClassVar[str]
    input_name: str
    output_name: str
    facts: dict[str, Any]

    @staticmethod
    @abc.abstractmethod
    def write(network: keras.Model, path: Path) -> None:
        """Write a Keras network."""

    @staticmethod
    def quantize(network: keras.Model, source: Path, path: Path, images: np.ndarray) -> None:
        """Write a network with weights and activations of 8 bits, input and output in float32.

        Args:
            network: the Keras network.
            source: its file in float32.
            path: of the new file.
            images: float32 (N, H, W, C), to measure activations on.
        """
        raise NotImplementedError

    @staticmethod
    @abc.abstractmethod
    def store(path: Path, text: str) -> None:
        """Write a text, JSON, into the file's own metadata; the network stays as it is."""

    @staticmethod
    @abc.abstractmethod
    def stored(path: Path) -> str:
        """Return the text in the file's metadata."""


def require_possible(name: str, *, int8: bool, data: Path | None, page: object) -> None:
    """Check, before any work, what goes together.

    Raises:
        SightkitError: int8 without photos or of a format that has no such form, or a page of
            another format than ONNX.
    """
    if int8 and name not in ("onnx", "litert"):
        raise SightkitError(
            "int8 is for onnx and litert: OpenVINO's is made by a package of its own (nncf), and a "
            "SavedModel has none.",
            "Leave out --int8, or give --format litert.",
            format=name,
        )
    if int8 and data is None:
        raise SightkitError(
            "int8 measures activations, and its loss, on labelled photos.",
            "Give --data PHOTOS, with 1,200 photos or more for a verdict.",
            data=None,
        )
    if page is not None and name != "onnx":
        raise SightkitError("The page runs ONNX.", "Give --format onnx.", format=name)


def format_of(name: str) -> Any:
    """Return the class of a format, an ``ExportedPredictor``, by its name.

    Raises:
        SightkitError: its packages are not installed.
    """
    try:
        return importlib.import_module(MODULES[name]).Exported
    except (ModuleNotFoundError, UnavailableError) as error:
        extra = "fast" if name == "openvino" else "export"
        raise SightkitError(
            f"The format {name} needs packages that are not installed ({error}).",
            f"Install the extra: pip install 'sightkit[{extra}]'.",
        ) from error


@contextlib.contextmanager
def converting(name: str) -> Iterator[None]:
    """Keep converters quiet, and turn what they raise into one line.

    Raises:
        SightkitError: the network has something that the format lacks.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # of tf2onnx, and those of ONNX Runtime to the root logger
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except (SightkitError, OSError, MemoryError):  # not of the converter
        raise
    except Exception as error:
        raise SightkitError(
            f"The network has something that {name} lacks, or its converter does not know.",
            "Choose another --format.",
            reason=in_a_line(error),
        ) from error
    finally:
        logging.disable(before)


def in_batches(answer: Any, images: np.ndarray) -> np.ndarray:
    """Return float32 (N, K): a runtime's answers to ``BATCH`` images at once."""
    parts: Sequence[np.ndarray] = [
        np.asarray(answer(images[at : at + BATCH].astype(np.float32)), np.float32)
        for at in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def shape_of(sides: Sequence[Any]) -> tuple[int | None, ...]:
    """Return a shape as Keras has it: None for a side of any length."""
    return tuple(
        int(side) if isinstance(side, int | np.integer) and side > 0 else None for side in sides
    )
