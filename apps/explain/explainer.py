"""A network, looked into from outside: its scores, and their gradients by pixel and by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit._network import watching
from sightkit.apps.explain.classifier_network import network_of
from sightkit.apps.explain.inputs import (
    Inputs,
    as_array,
    blank_inputs,
    in_batches,
    one_or_list,
    require_inputs,
    require_pictures,
    rows_of,
    several,
)
from sightkit.apps.explain.layer_calls import LayerCall, find_layer, last_spatial, layer_calls
from sightkit.apps.explain.scores import (
    class_index,
    class_scores,
    finite_scores,
    squashing_end,
    without_squashing,
)
from sightkit.training.classifier import Classifier, Photo, decoded
from sightkit.training.gradients import differentiate

Target = int | str | Sequence[int] | Sequence[str] | np.ndarray | None
"""The class that is explained, by index or name; one an image; or None, the predicted one."""


class Explainer:
    """A network that is asked why it answers as it does; nothing in it is changed.

    It takes networks of any form: functional, Sequential, subclassed, nested in one another, with
    shared layers and several inputs. It answers by the weights that the network has when it is
    first asked: make another one after more training.

    Args:
        network: Keras model, or a classifier with its preprocessing (a bundle).
        about: index of the input that is explained, where there are several; the others stay.
        class_names: in the order of the outputs; a classifier brings its own.

    Attributes:
        model: inputs to probabilities, or scores, a class.
        class_names: empty where nobody named them.
        state: (variable, value), other weights than the network's own.
        related: explainers of the same network that look at it in another way.

    Raises:
        SightkitError: a head that is not linear: it has no gradient.

    Example:
        explainer = Explainer(training.load_bundle("runs/photos/default/bundle"))
        gradients = explainer.gradients(explainer.prepare(["photo.jpg"]))
    """

    def __init__(
        self, network: keras.Model | Classifier, *, about: int = 0, class_names: Sequence[str] = ()
    ) -> None:
        self.model, self.preparation = network_of(network)
        self.class_names = tuple(class_names or getattr(network, "class_names", ()))
        self.about = about
        self.state: list[tuple[Any, Any]] = []
        self.related: dict[str, Explainer] = {}
        self._differentiated: dict[Any, Callable[..., Any]] = {}
        self._calls: dict[Any, list[LayerCall]] = {}
        self._count = 0

    def prepare(self, photos: Sequence[Photo]) -> Inputs:
        """Return photos as the network takes them.

        Args:
            photos: uint8 (H, W, 3) in RGB order or (H, W, 1), or paths of image files.
        """
        if self.preparation is None:
            raise SightkitError(
                "A Keras model alone does not know its preprocessing.",
                "Give the methods its inputs, or explain a bundle.",
                network=self.model.name,
            )
        return self.preparation([decoded(photo) for photo in photos])

    def pixels(self, inputs: Inputs) -> np.ndarray:
        """Return the images that are explained, among all inputs."""
        return several(inputs)[self.about]

    def pictures(self, inputs: Inputs) -> np.ndarray:
        """Return the same, where they are pictures, of which places can be marked: (N, H, W, C)."""
        require_inputs(self.model, several(inputs), self.about)
        return require_pictures(self.pixels(inputs))

    def with_pixels(self, inputs: Inputs, pixels: np.ndarray) -> Inputs:
        """Return the inputs with other images in place of those that are explained."""
        given = several(inputs)
        given[self.about] = pixels
        return one_or_list(given)

    def part(self, inputs: Inputs, rows: slice) -> Inputs:
        """Return some of the images, of every input."""
        return one_or_list(rows_of(inputs, rows))

    def repeated(self, inputs: Inputs, pixels: np.ndarray) -> Inputs:
        """Return the inputs of one image with several in its place, the others as often."""
        given = several(inputs)
        others = [np.repeat(each, len(pixels), axis=0) for each in given] if given[1:] else given
        return self.with_pixels(others, pixels)

    def blank(self) -> Inputs:
        """Return zeros as the network takes them, float32 (1, H, W, C); a list for several inputs.

        Raises:
            SightkitError: the network does not know the size of its input.
        """
        return blank_inputs(self.model)

    def scores(self, inputs: Inputs) -> np.ndarray:
        """Return the score of each class before softmax or sigmoid, float32 (N, classes).

        Raises:
            SightkitError: inputs that do not fit the network, or scores that are not finite.
        """
        scores = in_batches(lambda part: self._forward(part, ())[0], inputs)
        return finite_scores(scores, self.model.name)

    def targets(self, inputs: Inputs, target: Target = None) -> np.ndarray:
        """Return the index of the class that is explained for each image, int (N,).

        Raises:
            SightkitError: an index out of range, an unknown name, or not one an image.
        """
        if target is None:
            return self.scores(inputs).argmax(axis=1)
        images = len(self.pixels(inputs))
        each = [target] * images if np.ndim(target) == 0 else list(target)  # type: ignore[arg-type]
        if len(each) != images:
            raise SightkitError(
                "One class is explained, or one an image.", images=images, targets=len(each)
            )
        count = self._classes(inputs)
        return np.array([class_index(one, count, self.class_names) for one in each], np.int64)

    def gradients(self, inputs: Inputs, target: Target = None) -> np.ndarray:
        """Return the gradient of each image's score by its pixels, float32 (N, H, W, C)."""
        return self.pixel_gradients(inputs, self.one_hot(inputs, target))[1]

    def pixel_gradients(
        self,
        inputs: Inputs,
        weights: np.ndarray,
        *,
        of: Callable[[Any], Any] | None = None,
        call: LayerCall | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return some numbers of each image, and the gradient by pixels of their weighted sum.

        Args:
            inputs: images.
            weights: float32 (N, K), one for each of an image's numbers.
            of: a function of ``keras.ops`` that makes the numbers (N, K) of the scores, for example
                ``keras.ops.log_softmax``; the scores themselves by default. The same object each
                time, or it is traced anew.
            call: of ``layer``: the numbers are the means of its channels, in place of the scores.

        Returns:
            float32 (N, K), and float32 (N, H, W, C).
        """

        def function(values: list[Any], given: list[Any], weights: Any) -> tuple[Any, Any]:
            given = [*given[: self.about], *values, *given[self.about + 1 :]]
            numbers, seen = self._forward(given, () if call is None else (call,))
            if call is not None:
                places = tuple(range(1, len(call.shape) - 1))
                numbers = keras.ops.mean(seen[0], axis=places) if places else seen[0]
            numbers = numbers if of is None else of(numbers)
            return keras.ops.sum(numbers * weights), numbers

        def answer(part: list[np.ndarray], weights: np.ndarray) -> tuple[Any, Any]:
            _, numbers, gradients = run([part[self.about]], part, weights)
            return numbers, gradients[0]

        run = self._run(("pixels", of, call and (call.path, call.number)), function)
        return in_batches(answer, inputs, np.asarray(weights, np.float32))

    def layer(self, inputs: Inputs, name: str | None = None) -> LayerCall:
        """Return the call of a layer; of a shared one the first that sees the explained input.

        Args:
            inputs: images.
            name: of the layer, or its path; by default the last one that computes a map.

        Raises:
            SightkitError: no such layer, or no layer with height and width at all.
        """
        calls = self.calls(inputs)
        name = name or last_spatial(calls)
        if name is None:
            raise SightkitError(
                "A class activation map needs a layer whose output has height and width.",
                "Take a method of pixels: gradient, integrated_gradients, occlusion.",
                network=self.model.name,
            )
        found = find_layer(calls, name)
        if len(found) == 1:
            return found[0]
        part = [each[:1] for each in several(inputs)]
        changed = [*part]
        changed[self.about] = np.asarray(part[self.about]) + 1
        before, after = (self._forward(each, found)[1] for each in (part, changed))
        moved = [
            bool(np.any(as_array(a) != as_array(b))) for a, b in zip(before, after, strict=True)
        ]
        return found[moved.index(True)] if any(moved) else found[0]

    def activations(self, inputs: Inputs, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Return what layers give, float32 (N, …) each, by their paths."""
        calls = [self.layer(inputs, name) for name in layers]
        found = in_batches(lambda part: self._forward(part, calls)[1], inputs)
        return {call.path: each for call, each in zip(calls, found, strict=True)}

    def layer_gradients(
        self, inputs: Inputs, target: Target, call: LayerCall
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what a layer gives, and the gradient of each image's score by it.

        Args:
            inputs: images.
            target: the class.
            call: of ``layer``.

        Returns:
            Two arrays, float32, of the shape of the layer's output, (N, …).
        """

        def function(values: list[Any], given: list[Any], chosen: Any) -> tuple[Any, Any]:
            scores, (seen,) = self._forward(given, (call,), added=values[0])
            return keras.ops.sum(scores * chosen), seen

        def answer(part: list[np.ndarray], chosen: np.ndarray) -> tuple[Any, Any]:
            nothing = np.zeros((len(chosen), *call.shape[1:]), np.float32)
            _, seen, gradients = self._run((call.path, call.number), function)(
                [keras.ops.convert_to_tensor(nothing)], part, chosen
            )
            return seen, gradients[0]

        return in_batches(answer, inputs, self.one_hot(inputs, target))

    def one_hot(self, inputs: Inputs, target: Target = None) -> np.ndarray:
        """Return 1 for the class that is explained for each image, float32 (N, classes)."""
        return np.eye(self._classes(inputs), dtype=np.float32)[self.targets(inputs, target)]

    def calls(self, inputs: Inputs) -> list[LayerCall]:
        """Return each call of a layer in a pass, in order."""
        given = several(inputs)
        require_inputs(self.model, given, self.about)
        sizes = tuple(tuple(each.shape[1:]) for each in given)  # shapes of the calls follow them
        if sizes not in self._calls:
            self._calls[sizes] = layer_calls(self.model, one_or_list(rows_of(given, slice(0, 1))))
        return self._calls[sizes]

    def _forward(
        self, given: list[Any], calls: Sequence[LayerCall], added: Any = None
    ) -> tuple[Any, list[Any]]:
        """Return the scores, and what the calls gave; to that of the only one a tensor is added."""
        seen: dict[tuple[int, int], Any] = {}
        counts: dict[int, int] = {}

        def see(layer: keras.layers.Layer, _: Any, outputs: Any) -> Any:
            number = counts[id(layer)] = counts.get(id(layer), -1) + 1
            if (id(layer), number) not in wanted:
                return None
            seen[id(layer), number] = keras.ops.cast(outputs, "float32")
            return None if added is None else outputs + keras.ops.cast(added, outputs.dtype)

        wanted = [(id(call.layer), call.number) for call in calls]
        end = squashing_end(self.calls(given))
        with (
            watching([call.layer for call in calls], see),
            without_squashing(end),
            keras.StatelessScope(state_mapping=self.state),
        ):
            scores = self.model(one_or_list(given), training=False)
        scores = class_scores(keras.tree.flatten(scores)[0])
        return keras.ops.cast(scores, "float32"), [seen[key] for key in wanted]

    def _classes(self, inputs: Inputs) -> int:
        """Return the number of classes; what the network answers to one image tells it."""
        if not self._count:
            self._count = self.scores(rows_of(inputs, slice(0, 1))).shape[1]
        return self._count

    def _run(self, key: Any, function: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
        """Return a function and its gradients, traced once for each kind of question."""
        if key not in self._differentiated:
            self._differentiated[key] = differentiate(function, compiled=True)
        return self._differentiated[key]
