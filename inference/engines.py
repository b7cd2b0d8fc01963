"""Choosing an engine for a network, and comparing its answers with Keras' before it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from sightkit._errors import SightkitError, in_a_line
from sightkit._network import precision_of
from sightkit._scripts import warn
from sightkit.inference.agreement import disagreement
from sightkit.inference.break_even import UNKNOWN_SIDE, break_even
from sightkit.inference.compiled_cache import CompiledCache, identify
from sightkit.inference.openvino_engine import (
    OpenVinoEngine,
    UnavailableError,
    convert,
    load_openvino,
)
from sightkit.inference.predictor import KerasEngine, Predictor
from sightkit.inference.processor import NATIVE_BFLOAT16, cpu_flags

if TYPE_CHECKING:
    import keras

EngineName: TypeAlias = Literal["auto", "keras", "openvino", "folded"]
PRECISIONS = ("float32", "bfloat16")
COMPARED = 8
"""Images that a float32 engine is compared with Keras on."""


def compile(  # noqa: A001
    network: keras.Model,
    *,
    images: int | None = None,
    engine: EngineName = "auto",
    examples: np.ndarray | None = None,
    precision: str = "float32",
    batch_size: int = 256,
    cache: str | os.PathLike[str] | CompiledCache | None = None,
) -> Predictor:
    """Make a predictor of a network: by Keras for a few images, by a faster engine for many.

    Which engine answers is settled here and never changes. Making one takes seconds, which a few
    images never regain; ``"auto"`` makes it from the break-even on, a number of images that
    depends on the network alone (``break_even``): 1,725 for MobileNetV2-0.35, none where there is
    no batch normalization to save. It is OpenVINO where it is installed (extra ``fast``), else a
    copy of the network with batch normalization folded into convolutions and dense layers.

    An engine is compared with Keras before it is used: in float32 no output may differ by more
    than 1e-3 of the image's largest; in bfloat16 99 % of the examples must get the same top-1
    (where outputs are no probabilities: be nearer to Keras' than half way to another example's).
    With ``"auto"`` Keras answers, with a warning, where no engine passes; one that was requested
    by name raises. So does every engine that later fails or gives NaN.

    The engines but Keras have a copy of the weights: after more training they answer as before,
    and whoever trains on compiles again. Keras answers with the network's present weights.

    Args:
        network: any Keras model with one input and one output. One that does not compute in float32
            (trained with ``--precision bfloat16``) is answered by Keras.
        images: how many are to be answered; without a number ``"auto"`` is Keras.
        engine: ``"auto"``, or the one that answers: ``"keras"``, ``"openvino"``, ``"folded"``.
        examples: preprocessed images (N, H, W, C) that the engine is compared with Keras on: some
            of those to be answered. Fewer than eight are followed by eight of seeded noise.
        precision: what the engine computes in, ``"float32"`` or ``"bfloat16"``; bfloat16 needs
            real images as examples, the more the better, and is used for any number of images.
        batch_size: images that go through the network at once.
        cache: folder where OpenVINO's form is saved for the next process, by weights, versions,
            precision and the CPU's flags, a gigabyte at most; ``None``, or a folder that cannot be
            written to: in memory. With it making MobileNetV2-0.35 costs 0.3 CPU seconds in place
            of 1.9, ResNet50 1.9 in place of 4.3.

    Returns:
        A callable: (N, H, W, C) float32 to (N, K) float32, with ``engine``, ``precision`` and
        ``batch_size``.

    Raises:
        SightkitError: no Keras model, one that is not built or has several inputs or outputs; an
            unknown engine or precision, a number of images or batch size below 1, examples of
            another shape, a cache that is no path; an engine requested by name that is not
            installed, cannot be made or disagrees with Keras.
    """
    _check_network(network)
    _check_options(images, engine, examples, precision, batch_size, cache)
    keras_engine = KerasEngine(network, batch_size, precision_of(network))
    if examples is not None:
        examples = np.asarray(examples)
        keras_engine.check_shape(examples)
    names = _candidates(network, keras_engine, images, engine, precision)
    if not names:
        return keras_engine
    if precision == "bfloat16" and NATIVE_BFLOAT16.isdisjoint(cpu_flags()):
        warn("This CPU does not compute in bfloat16 by itself: it will be slower.", once=True)
    examples = _examples(examples, keras_engine, precision)
    reference = keras_engine(examples)
    for name, instead in zip(names, (*names[1:], "keras"), strict=True):
        made: Predictor | None = None
        once = False
        try:
            made, save = MAKERS[name](network, precision, batch_size, cache)
            reason = _disagreement(made, examples, reference)
        except Exception as error:
            once = isinstance(error, UnavailableError)
            reason = str(error) if once else in_a_line(error)
        else:
            if reason is None:
                save()
                return made
        if engine != "auto":
            raise SightkitError(
                "An engine requested by name must be installed and answer as Keras does.",
                'Install it: pip install "sightkit[fast]"; or let Keras answer: engine="keras".'
                if once
                else 'Let Keras answer: engine="keras".',
                network=network.name,
                engine=engine,
                reason=reason,
            )
        title = "" if once else f"{network.name}: {name} is not used: "
        warn(f"{title}{reason}; {instead if made is None else 'keras'} answers.", once=once)
        if made is not None:  # what answers otherwise is a reason for Keras, not for another try
            break
    return keras_engine


def _candidates(
    network: keras.Model,
    keras_engine: KerasEngine,
    images: int | None,
    engine: EngineName,
    precision: str,
) -> Sequence[str]:
    """Return the names of the engines to try in order, before Keras."""
    copied = keras_engine.precision == "float32" and keras_engine.input_shape is not None
    if engine == "keras" or (engine == "auto" and not copied):
        return ()
    if not copied:
        raise SightkitError(
            "An engine takes a functional or sequential network that computes in float32.",
            'Let Keras answer: engine="keras".',
            network=network.name,
            precision=keras_engine.precision,
        )
    if engine != "auto":
        return (engine,)
    pays = precision != "float32" or (images is not None and images >= break_even(network))
    return tuple(MAKERS) if pays else ()


def _examples(given: np.ndarray | None, keras_engine: KerasEngine, precision: str) -> np.ndarray:
    """Return the images to compare on, see ``compile``."""
    if given is not None and precision != "float32":
        return given
    if given is not None and len(given) >= COMPARED:
        return given[np.linspace(0, len(given) - 1, COMPARED).astype(int)]
    sides = (keras_engine.input_shape or ())[1:]
    shape = [side or UNKNOWN_SIDE for side in sides] if given is None else given.shape[1:]
    noise = np.random.default_rng(0).uniform(-1, 1, (COMPARED, *shape)).astype(np.float32)
    return noise if given is None else np.concatenate([given, noise])


def _disagreement(predictor: Predictor, images: np.ndarray, reference: np.ndarray) -> str | None:
    """Return how an engine's answers differ from Keras'; ``None`` if they agree."""
    reason = disagreement(predictor(images), reference, predictor.precision)
    if reason is not None or predictor.at_once <= len(images):
        return reason
    # Full parts are computed by a network of their own: the same images, over and over.
    many, expected = (
        np.resize(rows, (predictor.at_once, *rows.shape[1:])) for rows in (images, reference)
    )
    return disagreement(predictor(many), expected, predictor.precision)


Made: TypeAlias = tuple[Predictor, Callable[[], object]]
"""An engine, and what saves it for the next process once it has passed."""


def _openvino(
    network: keras.Model,
    precision: str,
    batch_size: int,
    cache: str | os.PathLike[str] | CompiledCache | None,
) -> Made:
    version = load_openvino().__version__
    place = form = None
    if isinstance(cache, CompiledCache):
        place = cache
    elif cache is not None:
        place = CompiledCache(cache, identify(network), openvino=version, precision=precision)
        form = place.read()
    if form is not None:
        try:
            return OpenVinoEngine(network.name, form, precision, batch_size), lambda: None
        except Exception:  # of a build that writes another form under the same version
            pass
    form = convert(network)
    engine = OpenVinoEngine(network.name, form, precision, batch_size)
    return engine, (lambda: place.write(form)) if place is not None else (lambda: None)


def _folded(network: keras.Model, precision: str, batch_size: int, cache: object) -> Made:
    from sightkit.inference.folding import fold

    return KerasEngine(fold(network, precision), batch_size, precision, "folded"), lambda: None


MAKERS: dict[str, Callable[..., Made]] = {"openvino": _openvino, "folded": _folded}
"""By name, in the order in which ``"auto"`` tries them."""


def check_engine(engine: str, precision: str) -> None:
    """Raise unless there is an engine of that name that may compute in that precision."""
    if engine not in get_args(EngineName):
        raise SightkitError(f"engine is one of {', '.join(get_args(EngineName))}.", engine=engine)
    if precision not in PRECISIONS:
        raise SightkitError(
            f"A predictor computes in {' or '.join(PRECISIONS)}.", precision=precision
        )
    if precision != "float32" and engine == "keras":
        raise SightkitError(
            "Keras itself computes in the network's own precision.",
            "Leave out engine or precision.",
            engine=engine,
            precision=precision,
        )


def _check_options(
    images: int | None,
    engine: str,
    examples: np.ndarray | None,
    precision: str,
    batch_size: int,
    cache: Any,
) -> None:
    check_engine(engine, precision)
    numbers = {"batch_size": batch_size, **({} if images is None else {"images": images})}
    for name, value in numbers.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise SightkitError(f"{name} is a number of images, at least one.", "", **{name: value})
    if cache is not None and not isinstance(cache, str | os.PathLike | CompiledCache):
        raise SightkitError("cache must be a folder's path, or None.", cache=cache)
    if examples is not None and not len(examples):
        raise SightkitError("An engine is compared with Keras on at least one image.", examples=0)
    if precision != "float32" and examples is None:
        raise SightkitError(
            "bfloat16 is compared with float32 on real images, before it is used.",
            "Give examples=preprocessed images.",
            precision=precision,
        )


def _check_network(network: Any) -> None:
    import keras

    if not isinstance(network, keras.Model):
        raise SightkitError(
            "A predictor takes a Keras model.",
            "A bundle has one: bundle.network.",
            network=type(network).__name__,
        )
    if not network.built:
        raise SightkitError(
            "A predictor takes a network that is built.",
            "Let it begin with keras.Input(shape), or call network.build((None, *shape)).",
            network=network.name,
        )
    for what in ("inputs", "outputs"):
        tensors = getattr(network, what, None)
        if isinstance(tensors, (list, tuple)) and len(tensors) != 1:
            raise SightkitError(
                "A predictor takes a network of one input and one output.",
                "Choose one: keras.Model(network.inputs, network.outputs[0]).",
                network=network.name,
                **{what: len(tensors)},
            )
