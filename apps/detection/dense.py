"""A classifier on all windows at once: its network evaluated over the whole picture."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from sightkit import inference
from sightkit._errors import SightkitError, few
from sightkit.apps.detection.dense_network import WAY, fully_convolutional
from sightkit.apps.detection.regions import BatchedWindows
from sightkit.apps.detection.window_chain import (
    picture_chain,
    place_dependent,
    window_of,
)
from sightkit.apps.detection.windows import checked_sides, sliding_window
from sightkit.evaluation import as_probabilities
from sightkit.inference import EngineName
from sightkit.preprocessing import flat_steps
from sightkit.training import Bundle

COMPARED = 64
"""Windows of the first picture, spread over it, on which a padded network is compared."""
CHANGED, MOST_CHANGED = 0.5, 0.25
"""Change of a probability, and the share of windows that may change so much."""
MOST_PIXELS = 4_000_000
"""Of a picture, about, that goes through the network at once; VGG16 has 256 bytes a pixel then."""


class DenseWindows:
    """The answers of a classifier to all windows, computed together: each pixel is seen once.

    Windows share most of their pixels, and a convolution over the picture computes for all of them
    what it would compute for each (``fully_convolutional``). Without padding in the network the
    answers are those of batched windows to 1e-5. A padded layer puts zeros around a window, and
    here sees what is beside it: answers differ, by how much depends on the network and the pictures
    (docs/detection_windows.md). So ``classify_regions`` lets batched windows confirm whatever may
    be a thing, and a network is refused that changes a probability by more than 0.5 in over a
    quarter of 64 windows of the first picture.

    Args:
        bundle: of ``training.load_bundle`` or ``transfer.pretrained``: a classifier of the zoo,
            or any functional one.
        stride: pixels, or (down, right): a multiple of the network's own, which it is by default.
        exact: let batched windows answer, with the same windows, in the time that they take.
        engine: of ``inference.compile``; OpenVINO where it is installed, else Keras.

    Attributes:
        padded: layers of the network that pad, by name; where there are none, answers are exact.

    Raises:
        SightkitError: unless exact: a layer, or a step of preprocessing, that depends on its place
            in the window; it is named. A stride that is no multiple of the network's. When it is
            called: a network whose padding changes its answers too much.
    """

    def __init__(
        self,
        bundle: Bundle,
        stride: int | tuple[int, int] | None = None,
        *,
        exact: bool = False,
        engine: EngineName = "auto",
    ) -> None:
        self.class_names = bundle.class_names
        self.padded: tuple[str, ...] = ()
        self._exact, self._compared = exact, False
        if exact:
            self._windows = _exact_windows(bundle, stride)
            self.window, self.stride = self._windows.window, self._windows.stride
            return
        dense = fully_convolutional(bundle.network)
        self.padded = dense.padded
        self._size, self._own = dense.window, dense.stride
        self.window = window_of(bundle.preprocessing, self._size)
        chain = picture_chain(bundle.preprocessing, self.window, self._size)
        if chain is None:
            steps = list(flat_steps(bundle.preprocessing))
            raise SightkitError(
                "The dense path needs preprocessing that treats each pixel alike.",
                WAY,
                steps=place_dependent(steps) or [type(step).__name__ for step in steps],
            )
        self._chain = chain
        _, self.stride = checked_sides(self.window, self._own if stride is None else stride)
        if any(side % own for side, own in zip(self.stride, self._own, strict=True)):
            raise SightkitError(
                "The stride of the dense path must be a multiple of the network's.",
                "Leave it out.",
                stride=self.stride,
                network=self._own,
            )
        self._windows = BatchedWindows(bundle, self.window, self.stride)
        if engine == "auto" and inference.openvino_installed():
            engine = "openvino"
        self._predictor = inference.compile(dense.network, engine=engine)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Answer for all windows of a picture.

        Args:
            image: uint8 (H, W, 3) RGB, or (H, W, 1): the window's size and a multiple of the
                stride more, as ``fit_to_windows`` makes it.

        Returns:
            float32 (N, classes) and corners (y, x), int64 (N, 2), as ``BatchedWindows``.

        Raises:
            SightkitError: a picture smaller than the window, or of another size.
        """
        if self._exact:
            return self._windows(image)
        _, corners = sliding_window(image, self.window, self.stride)
        rest = [
            (side - own) % step
            for side, own, step in zip(image.shape[:2], self.window, self.stride, strict=True)
        ]
        if any(rest):
            raise SightkitError(
                "A picture of the dense path must be filled by windows without a rest.",
                "Resize it by fit_to_windows(image, windows.window, windows.stride).",
                rest=rest,
                picture=image.shape[:2],
            )
        rows, columns = (
            (side - own) // step + 1
            for side, own, step in zip(image.shape[:2], self.window, self._own, strict=True)
        )
        (above, left), (down, right) = self._chain.margin, self._own
        seen = image[
            above : above + self._size[0] + down * (rows - 1),
            left : left + self._size[1] + right * (columns - 1),
        ]
        answers = self._in_bands(seen, rows)
        every = self.stride[0] // down, self.stride[1] // right
        answers = answers[:: every[0], :: every[1]].reshape(len(corners), -1)
        if self.padded and not self._compared:
            self._compare(image, answers, corners)
        return answers, corners

    def at(self, image: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Answer, float32 (N, classes), for windows at (y, x), int64 (N, 2), each for itself."""
        return self._windows.at(image, corners)

    def _compare(self, image: np.ndarray, answers: np.ndarray, corners: np.ndarray) -> None:
        """Raise where padding changes the answers to too many windows of the first picture."""
        some = np.linspace(0, len(corners) - 1, min(COMPARED, len(corners))).astype(int)
        pair = answers[some], self._windows.at(image, corners[some])
        own, exact = (as_probabilities(each, self.class_names) for each in pair)
        changed = float((np.abs(own - exact).max(axis=1) > CHANGED).mean())
        if changed > MOST_CHANGED:
            raise SightkitError(
                "The dense path needs a network that answers much the same when it sees what is "
                "beside a window in place of the zeros that its layers pad with.",
                WAY,
                network=self._predictor.network,
                padded=few(self.padded),
                windows=len(some),
                changed=round(changed, 3),
            )
        self._compared = True

    def _in_bands(self, seen: np.ndarray, rows: int) -> np.ndarray:
        """Return the answers, (rows, columns, classes), of a picture in bands of equal height.

        As many as the engine has streams, so that all cores work on one picture, if a band is not
        mostly overlap; more where the picture is large.
        """
        predictor: Any = self._predictor
        (height, _), (down, _) = self._size, self._own
        streams = min(getattr(predictor, "streams", 1), rows * down // height)
        bands = max(1, streams, -(-seen.shape[0] * seen.shape[1] // MOST_PIXELS))
        each = -(-rows // bands)
        starts = sorted({min(start, rows - each) for start in range(0, rows, each)})
        high = height + down * (each - 1)
        parts = np.stack([seen[start * down : start * down + high] for start in starts])
        at_once = max(1, MOST_PIXELS // (high * parts.shape[2]), streams)
        prepare = self._chain.pixels.batch  # after the bands are cut: bytes are copied, not floats
        found = [predictor(prepare(parts[i : i + at_once])) for i in range(0, len(parts), at_once)]
        answers = np.empty((rows, *found[0].shape[2:]), np.float32)
        for start, band in zip(starts, np.concatenate(found), strict=True):
            answers[start : start + each] = band
        return answers


def _exact_windows(bundle: Bundle, stride: int | tuple[int, int] | None) -> BatchedWindows:
    """Return batched windows, by default with the stride that the network has, if it has one."""
    if stride is None:
        with contextlib.suppress(SightkitError):
            stride = fully_convolutional(bundle.network).stride
    return BatchedWindows(bundle, stride=stride)
