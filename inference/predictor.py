"""Batches in, arrays out: first by Keras, then by the fastest engine that says the same."""

from __future__ import annotations

import os
import threading
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit._network import precision_of
from sightkit.inference.compiled_cache import cpu_flags
from sightkit.inference.keras_engine import KerasEngine
from sightkit.inference.pinned import Pinned
from sightkit.inference.starting import Engine, start
from sightkit.inference.telling import short, tell
from sightkit.inference.turning_point import turning_point
from sightkit.inference.weights_watch import WeightsWatch

PRECISIONS = ("float32", "bfloat16")
NATIVE_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


class Predictor:
    """Call it with preprocessed images; made by ``compile``, which says how it answers.

    Attributes:
        network: the Keras model that is asked.
        batch_size: images that go through the network at once; bounds the memory.
        turning_point: images after which an engine is started; may be infinite.
        asked: the precision that ``compile`` was asked for; ``precision`` is what answers now.
    """

    def __init__(
        self,
        network: keras.Model,
        batch_size: int,
        precision: str = "float32",
        cache: str | os.PathLike[str] | None = None,
        real_images: tuple[str, np.ndarray] | None = None,
    ) -> None:
        self.network = network
        self.batch_size = batch_size
        self.turning_point = turning_point(network, precision)
        self.asked = precision
        self._options: dict[str, Any] = {
            "precision": precision,
            "cache": cache,
            "real_images": self._named(real_images),
        }
        self._keras = KerasEngine(network, batch_size)
        self._engine: Engine = self._keras
        self._settled = precision_of(network) != "float32"
        self._seen = 0
        self._watch: WeightsWatch | None = None
        self._lock = threading.Lock()

    @property
    def engine(self) -> str:
        """What answers now: ``"keras"``, ``"openvino"`` or ``"folded"``."""
        return self._engine.name

    @property
    def precision(self) -> str:
        """What the engine computes in: ``"float32"`` or ``"bfloat16"``."""
        own = self._engine is self._keras
        return precision_of(self.network) if own else self._options["precision"]

    def start(
        self, images: np.ndarray, *, real_images: tuple[str, np.ndarray] | None = None
    ) -> str:
        """Start an engine now, whatever the turning point; for what is known to be many images.

        Args:
            images: (N, H, W, C), float32, preprocessed, N at least 1: eight of them are what a
                float32 engine is held against Keras with.
            real_images: what a bfloat16 engine is judged on; those of ``compile`` by default.

        Returns:
            The engine that answers from now on, as ``engine`` says it.

        Raises:
            SightkitError: no images, or images of another shape than the network's input.
        """
        return self._started(images, real_images).name

    def pinned(
        self,
        images: np.ndarray | None = None,
        *,
        real_images: tuple[str, np.ndarray] | None = None,
        next_step: str = "Pin Keras itself: call pinned() without images.",
    ) -> Pinned:
        """One engine that answers for good, whatever this predictor is asked meanwhile.

        Args:
            images: as ``start`` takes them, for the engine that it starts; None for Keras.
            real_images: as ``start`` takes them.
            next_step: what is to be done where the engine fails on the way.

        Raises:
            SightkitError: as ``start``.
        """
        engine = self._keras if images is None else self._started(images, real_images)
        own = engine is self._keras
        precision = precision_of(self.network) if own else self._options["precision"]
        return Pinned(self, engine, precision, next_step)

    def _started(self, images: np.ndarray, real_images: tuple[str, np.ndarray] | None) -> Engine:
        images, real_images = self.checked(images), self._named(real_images)
        if not len(images):
            raise SightkitError("An engine is held against Keras on at least one image.", images=0)
        with self._lock:
            if real_images is not None:
                self._options["real_images"] = real_images
            self._follow_weights()
            self._start(images)
            return self._engine

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predict.

        Args:
            images: (N, H, W, C), float32, preprocessed; any N.

        Returns:
            float32 (N, K): what the network gives, in inference mode.

        Raises:
            SightkitError: images of another shape than the network's input.
        """
        images = self.checked(images)
        if not len(images):
            return self.by_keras(images)
        engine = self._engine_for(images)
        if engine is self._keras:
            return engine(images)
        try:
            outputs = engine(images)
        except Exception as error:
            outputs = self._keras(images)  # if the images are to blame, Keras raises too
            self._fall_back(engine, f"it failed ({short(error)})")
            return outputs
        if np.isnan(outputs).any():
            found = np.isnan(outputs)
            outputs = self._keras(images)
            if (found & ~np.isnan(outputs)).any():
                self._fall_back(engine, "its output has NaN, and Keras' has not")
        return outputs

    def by_keras(self, images: np.ndarray) -> np.ndarray:
        """What Keras says, whatever engine answers; images counted by nobody."""
        if not len(images):
            return np.zeros((0, *self.network.output_shape[1:]), np.float32)
        return self._keras(images)

    def checked(self, images: np.ndarray) -> np.ndarray:
        """Images as an array, of the network's shape.

        Raises:
            SightkitError: of another shape than the network's input.
        """
        images = np.asarray(images)
        wanted = getattr(self.network, "input_shape", None)
        given = images.shape
        if not isinstance(wanted, tuple):
            return images
        if len(given) != len(wanted) or any(
            w not in (None, g) for w, g in zip(wanted[1:], given[1:], strict=True)
        ):
            raise SightkitError(
                "Images must have the shape that the network was built for.",
                "One image alone needs an axis before its own: image[None]."
                if len(given) == len(wanted) - 1
                else "Preprocess them as the bundle's preprocessing does.",
                images=given,
                network=self.network.name,
                takes=wanted,
            )
        return images

    def _named(self, real_images: tuple[str, np.ndarray] | None) -> tuple[str, np.ndarray] | None:
        """Real images, checked."""
        if real_images is None:
            return None
        match real_images:
            case (str(name), images) if len(images := self.checked(images)):
                return name, images
        raise SightkitError(
            "real_images are a name and images, one at least: what they are called where an "
            "engine is refused, and what it is judged on.",
            'Give real_images=("100 photos", images).',
            real_images=type(real_images).__name__,
        )

    def _engine_for(self, images: np.ndarray) -> Engine:
        with self._lock:
            self._follow_weights()
            self._seen += len(images)
            if not self._settled and self._seen >= self.turning_point:
                self._start(images)
            return self._engine

    def _follow_weights(self) -> None:
        if self._watch is not None and self._watch.changed():
            self._engine, self._settled, self._watch, self._seen = self._keras, False, None, 0

    def _start(self, images: np.ndarray) -> None:
        if not self._settled:
            self._watch = WeightsWatch(self.network)
            self._engine = start(self._keras, images, **self._options)
            self._settled = True

    def _fall_back(self, engine: Engine, reason: str) -> None:
        with self._lock:
            if self._engine is engine:  # no other has been started since
                tell(f"{self.network.name}: {self.engine} is given up: {reason}. Keras answers.")
                self._engine = self._keras


def compile(  # noqa: A001
    model: keras.Model,
    precision: str = "float32",
    *,
    batch_size: int = 256,
    cache: str | os.PathLike[str] | None = None,
    real_images: tuple[str, np.ndarray] | None = None,
) -> Predictor:
    """Make a predictor of a network: Keras for a few images, a faster engine for many.

    Starting an engine takes seconds, which a few images never bring back. So Keras answers first,
    and an engine takes over with the call that reaches the turning point: a number of images that
    depends on the network alone, never on time, so that the same calls give the same answers, bit
    for bit. It was measured once (``turning_point``): 1,725 images for MobileNetV2-0.35, never
    where there is no batch normalization to save. bfloat16 starts with the first image, and
    ``Predictor.start`` whenever it is called.

    The engine is OpenVINO where it is installed (extra ``fast``), else a copy of the network with
    batch normalization folded into convolutions and dense layers. Before it answers it is held
    against Keras: in float32 on eight of the images, where no output may differ by more than 1e-3
    of the image's largest; in bfloat16 on ``real_images``, of which 99 % must get the same top-1
    (where outputs are no probabilities: lie nearer to Keras' than half way to another image's).
    Otherwise, and wherever an engine gives NaN that Keras does not or fails, Keras itself answers,
    and a line on stderr says so. ``engine`` and ``precision`` of the predictor say what answers
    now.

    Several threads may call one predictor. The answers follow the network's weights: each call
    looks whether one of them has changed; then, as after more training through whatever model,
    Keras answers until an engine is started as at first: after as many images again, in bfloat16
    with the next, or by ``Predictor.start``.

    Args:
        model: any Keras model with one input and one output. One that does not compute in float32
            (trained with ``--precision bfloat16``) always answers by itself.
        precision: what the engine computes in, ``"float32"`` or ``"bfloat16"``.
        batch_size: images that go through the network at once.
        cache: folder where OpenVINO's form is kept for the next process, by weights, versions,
            precision and the CPU's flags, a gigabyte at most; ``None``, or a folder that cannot be
            written to: in memory. With it starting MobileNetV2-0.35 costs 0.3 CPU seconds in place
            of 1.9, ResNet50 1.9 in place of 4.3.
        real_images: a name and preprocessed images (N, H, W, C) to judge bfloat16 on.

    Returns:
        A callable: (N, H, W, C) float32 to (N, K) float32.

    Raises:
        SightkitError: no Keras model, one that is not built or has several inputs or outputs; an
            unknown precision, a batch size below 1, a cache that is no path, or real images that
            are none.
    """
    _require_model(model)
    if precision not in PRECISIONS:
        raise SightkitError(
            f"A predictor computes in {' or '.join(PRECISIONS)}.", precision=precision
        )
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise SightkitError("A batch holds at least one image.", batch_size=batch_size)
    if cache is not None and not isinstance(cache, str | os.PathLike):
        raise SightkitError("cache must be a folder's path, or None.", cache=cache)
    if precision == "bfloat16" and not NATIVE_BFLOAT16.intersection(cpu_flags()):
        tell("This CPU does not compute in bfloat16 by itself: it will be slower.", once=True)
    return Predictor(model, batch_size, precision, cache, real_images)


def _require_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise SightkitError(
            "A predictor takes a Keras model.",
            "A bundle has one: bundle.network.",
            model=type(model).__name__,
        )
    if not model.built:
        raise SightkitError(
            "A predictor takes a network that is built.",
            "Let it begin with keras.Input(shape), or call network.build((None, *shape)).",
            network=model.name,
        )
    for what in ("inputs", "outputs"):
        tensors = getattr(model, what, None)
        if isinstance(tensors, (list, tuple)) and len(tensors) != 1:
            raise SightkitError(
                "A predictor takes a network of one input and one output.",
                "Choose one: keras.Model(network.inputs, network.outputs[0]).",
                network=model.name,
                **{what: len(tensors)},
            )
