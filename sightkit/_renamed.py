"""Answers to names and arguments that sightkit does not have: today's form, never an alias.

``answering`` is what every public class and function passes through (``_lazy.attach``). Standard
library only.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from sightkit._errors import SightkitError

if TYPE_CHECKING:
    import inspect

TODAY: dict[str, dict[str, str]] = {
    "": {  # of a package
        "AnimalsDatasetManager": "Write io.FolderDataset(folder).",
        "DCGAN": "Write zoo.DCGANGenerator and zoo.DCGANDiscriminator.",
        "ExperimentConfig": 'Write training.fit(…, run="runs/mine"), or experiments.Config.',
        "FCHeadNet": 'Write zoo.build("surgery", base="vgg16", hidden=(256,), …), or '
        "transfer.with_new_head.",
        "ImageDataGenerator": "Write preprocessing.Augment(rotation=10, …), for the generator.",
        "ModelCheckpoint": "Write callbacks.BestCheckpoint(path); training.fit adds it itself.",
        "ReduceLROnPlateau": "Write callbacks.AdaptiveRate(patience=…), or "
        "keras.callbacks.ReduceLROnPlateau.",
        "SimpleDatasetLoader": 'Write io.build_dataset(io.FolderDataset(folder), "data.h5", …), '
        "or io.read_image(path) for one image.",
        "rank5_accuracy": "Write evaluation.rank_accuracy(probabilities, labels, 5).",
    },
    "Preprocessor": {"preprocess": "Call the preprocessor itself: preprocessor(image)."},
    "RandomPreprocessor": {
        "rng": "Give it to the generator as augment=…, or call it with an rng: "
        "preprocessor(image, np.random.default_rng(0))."
    },
    "SimplePreprocessor": {
        "inter": "Leave it out: shrinking averages areas, growing interpolates."
    },
    "AspectAwarePreprocessor": {
        "inter": "Leave it out: shrinking averages areas, growing interpolates."
    },
    "ImageToArrayPreprocessor": {"dataFormat": "Leave it out: images are channels-last."},
    "MeanPreprocessor": {
        name: "Write MeanPreprocessor(red, green, blue)." for name in ("rMean", "gMean", "bMean")
    },
    "CropPreprocessor": {"horiz": "Write mirrors=True, the default, or mirrors=False."},
    "HDF5DatasetWriter": {
        "bufSize": "Leave it out: rows are written as they are added.",
        "class_names": 'Give class_names=("cat", "dog"), in label order.',
        "storeClassLabels": "Give class_names=… when the writer is made.",
    },
    "HDF5DatasetGenerator": {
        "aug": "Write augment=preprocessing.Augment(…).",
        "binarize": "Leave it out: labels are class indices, for "
        'loss="sparse_categorical_crossentropy"; io.one_hot makes rows of them.',
        "classes": "Leave it out: class_names has those of the file.",
        "close": "Nothing is to be closed.",
        "db": "Write .labels and .images(rows); .file is the description.",
        "generator": "Give the generator itself to fit: it is a keras.utils.PyDataset.",
        "numImages": "Write .count; len(generator) is the number of batches.",
    },
    "TrainingMonitor": {
        name: "Write TrainingMonitor(folder): history.csv, history.json and curves.png are in it; "
        "a resumed run goes on with them."
        for name in ("figPath", "jsonPath", "startAt", "")
    },
    "build_dataset": {
        "": 'Write io.build_dataset(folder, "data.h5", preprocessors=SimplePreprocessor(64, 64), '
        'fractions={"train": 0.7, "validation": 0.15, "test": 0.15}).'
    },
    "EpochCheckpoint": {
        "startAt": "Leave it out: training.fit goes on counting where a run was stopped.",
    },
    "fit": {
        "": 'Write training.fit(network, (x, y), (validation_x, validation_y), run="runs/mine", '
        "epochs=5).",
        "class_weight": "Write each = io.class_weights(y), and give (x, y, "
        "np.array([each[label] for label in y])); or a generator with class_weights=each.",
        "initial_epoch": "Leave it out: a run goes on where it was stopped.",
        "sample_weight": "Give (x, y, weights), a weight an image.",
        "shuffle": "Leave it out: arrays are mixed anew each epoch, a generator by its "
        "shuffle=True.",
        "steps_per_epoch": "Leave it out: an epoch is one pass over all images.",
        "validation_split": "Split the arrays before.",
        "verbose": "Leave it out: a line is printed for each epoch.",
    },
    "Optimizer": {
        "decay": "Give learning_rate=keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay).",
        "lr": "Write learning_rate.",
    },
}
"""Owner, a class or function, to the names that others have there: what to write today.

"" is the owner of a package's names, and stands for a call with too many or too few arguments.
"""


def answering(public: Any, name: str) -> Any:
    """Let a class or function answer calls and attributes that it does not know.

    A class is changed in place and stays itself; a function is wrapped.
    """
    if isinstance(public, FunctionType):
        return _checked(public, (name,))
    if isinstance(public, type) and not issubclass(public, Exception):
        for method in ("__init__", "__call__"):
            own = vars(public).get(method)
            if isinstance(own, FunctionType) and not hasattr(own, "__wrapped__"):
                setattr(public, method, _checked(own, _owners(public)))
        if not hasattr(public, "__getattr__"):
            public.__getattr__ = _no_attribute
    return public


def refusing(function: Callable[..., Any], owner: str) -> Callable[..., Any]:
    """Let a function of another library refuse the arguments that are listed for their owner."""

    @functools.wraps(function)
    def refused(*args: Any, **kwargs: Any) -> Any:
        for name in TODAY[owner].keys() & kwargs.keys():
            rule = f"Keras takes no {name} any more, and leaves it out or fails."
            raise SightkitError(rule, TODAY[owner][name], **{name: kwargs[name]})
        return function(*args, **kwargs)

    return refused


def next_step(owners: Iterable[str], name: str, known: Iterable[str]) -> str:
    """Return what to write in place of a name: today's form, else the nearest of those known."""
    for owner in owners:
        if name in TODAY.get(owner, ()):
            return TODAY[owner][name]
    spelled = {each.replace("_", "").lower(): each for each in _public(known)}
    found = difflib.get_close_matches(name.replace("_", "").lower(), spelled, n=3, cutoff=0.7)
    near = [spelled[each] for each in found]
    return f"Perhaps it is {' or '.join(near)}." if near else ""


def no_attribute(rule: str, owners: Iterable[str], name: str, known: Iterable[str]) -> str:
    """Return the message for an attribute that does not exist."""
    step = "" if name.startswith("_") else next_step(owners, name, known)
    return f"{rule}. {step}" if step else rule


def _no_attribute(self: Any, name: str) -> Any:
    cls = type(self)
    rule = f"{cls.__name__!r} object has no attribute {name!r}"
    raise AttributeError(no_attribute(rule, _owners(cls), name, dir(cls)))


def _owners(cls: type) -> tuple[str, ...]:
    return tuple(each.__name__ for each in cls.__mro__)


def _checked(function: Callable[..., Any], owners: tuple[str, ...]) -> Callable[..., Any]:
    """Answer a call with arguments that the function does not take."""

    @functools.wraps(function)
    def answered(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            import inspect

            signature = inspect.signature(function)
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise _refusal(signature, owners, kwargs, error) from None
            raise

    return answered


def _refusal(
    signature: inspect.Signature,
    owners: tuple[str, ...],
    given: dict[str, Any],
    error: TypeError,
) -> SightkitError:
    own = {name: each for name, each in signature.parameters.items() if name != "self"}
    missing = re.findall(r"missing a required .*?'(\w+)'", str(error))
    found = [(name, next_step(owners, name, own)) for name in given if name not in own]
    found += [(name, next_step(owners, name, ())) for name in (*missing, "")]
    names: dict[str, list[str]] = {}
    for name, step in found:
        names.setdefault(step, []).append(name)
    steps = [
        f"{', '.join(who)}: {step}" if any(who) else step for step, who in names.items() if step
    ]
    call = f"{owners[0]}({', '.join(map(_as_written, own.values()))})"
    return SightkitError(f"{owners[0]}: {error}.", " ".join(steps[:3]) or f"Write {call}.")


def _as_written(parameter: inspect.Parameter) -> str:
    if parameter.kind is not parameter.KEYWORD_ONLY:
        return parameter.name
    empty = parameter.default is parameter.empty
    return f"{parameter.name}={'…' if empty else repr(parameter.default)}"


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
