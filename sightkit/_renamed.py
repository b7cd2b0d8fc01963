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
    "MeanPreprocessor": {"rMean": "red", "gMean": "green", "bMean": "blue"},
    "CropPreprocessor": {"horiz": "mirrors"},
    "Augment": {  # what ImageDataGenerator called it
        "rotation_range": "rotation",
        "width_shift_range": "Write translation=(height, width).",
        "height_shift_range": "Write translation=(height, width).",
        "shear_range": "shear",
        "zoom_range": "zoom",
        "brightness_range": "Write brightness=0.2, a share of 255.",
        "fill_mode": 'Write border="replicate", "reflect" or "black".',
    },
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
        "lr": "learning_rate",
    },
}
"""Owner, a class or function, to the names that others have there: what to write today.

A word alone is what an argument is called today. "" is the owner of a package's names, and stands
for a call with too many or too few arguments.
"""
LONGEST = 40
"""Longer values are not repeated."""


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
        if old := {name: value for name, value in kwargs.items() if name in TODAY[owner]}:
            rule = f"Keras takes no {' and no '.join(old)} any more, and leaves it out or fails."
            steps = [
                f"Write {today}={_shown(old[name])}." if today.isidentifier() else today
                for name, today in TODAY[owner].items()
                if name in old
            ]
            raise SightkitError(rule, " ".join(steps), **old)
        return function(*args, **kwargs)

    return refused


def next_step(owners: Iterable[str], name: str, known: Iterable[str]) -> str:
    """Return what to write in place of a name: today's form, else the nearest of those known."""
    for owner in owners:
        if today := TODAY.get(owner, {}).get(name):
            return f"Write {today}." if today.isidentifier() else today
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
                raise _refusal(function, signature, owners, args, kwargs, error) from None
            raise

    return answered


def _refusal(
    function: Callable[..., Any],
    signature: inspect.Signature,
    owners: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    error: TypeError,
) -> SightkitError:
    """Return today's call with all that was given and has a counterpart, and what has none."""
    own = {name: each for name, each in signature.parameters.items() if name != "self"}
    given: dict[str, Any] = {}
    answers: dict[str, list[str]] = {}
    for name, value in kwargs.items():
        today = name if name in own else _todays_name(owners, name, own)
        if today in own:
            given.setdefault(today, value)
        else:
            answers.setdefault(today or "It has no counterpart.", []).append(name)
    missing = re.findall(r"missing (?:a|\d+) required .*?'(\w+)'", str(error))
    for name in (*missing, ""):
        if name not in given and (step := next_step(owners, name, ())):
            answers.setdefault(step, []).append(name)
    own_args = args[1:] if "self" in signature.parameters else args
    stay = [f"{name}={_shown(value)}" for name, value in given.items()]
    needed = [each for name, each in list(own.items())[len(own_args) :] if name not in given]
    call = [_shown(value) for value in own_args[: len(own)]] + stay
    call += [_as_written(each) for each in needed if each.default is each.empty]
    steps = [
        f"{', '.join(filter(None, who))}: {step}" if any(who) else step
        for step, who in answers.items()
    ]
    if any("" in TODAY.get(owner, ()) for owner in owners):  # it says what the call is
        steps += [f"As before: {', '.join(stay)}."] if stay else []
    elif function.__name__ != "__call__":
        steps.insert(0, f"Write {owners[0]}({', '.join(call)}).")
    return SightkitError(f"{owners[0]}: {error}.", " ".join(steps))


def _todays_name(owners: Iterable[str], name: str, own: Iterable[str]) -> str:
    """Return what an argument is called today, else what to write instead; empty if unknown."""
    today = next_step(owners, name, own)
    word = re.fullmatch(r"(?:Write|Perhaps it is) (\w+)\.", today)
    return word[1] if word else today


def _as_written(parameter: inspect.Parameter) -> str:
    if parameter.kind is not parameter.KEYWORD_ONLY:
        return parameter.name
    empty = parameter.default is parameter.empty
    return f"{parameter.name}={'…' if empty else repr(parameter.default)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST and "\n" not in text else "…"


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
