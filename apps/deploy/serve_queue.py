"""Photos that wait for a network, and the threads that decode and answer them, a few at a time."""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import Future

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.io.image_header import read_header
from sightkit.training.classifier import Classifier

BATCH = 8
"""Photos that a thread answers at once: of one client each, so that none waits for many others."""

Answer = dict[str, float]
"""The most probable classes, best first, with their probability."""


class RefusedError(Exception):
    """A request that cannot be answered: a status of HTTP, and the reason in a sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class PhotoQueue:
    """Answer photos as ``bundle.predict`` does, by a thread for each core.

    A thread takes what waits, up to eight photos, decodes them and has them answered together; a
    photo that cannot be decoded, or answered, does not cost the others their answer.

    Args:
        bundle: as ``transfer.load`` returns it.
        top: classes an answer.
        most_pixels: of a photo; a thread holds at most twice as many at once.
    """

    def __init__(self, bundle: Classifier, *, top: int, most_pixels: int) -> None:
        self._bundle, self._top, self._most_pixels = bundle, top, most_pixels
        self._waiting: queue.SimpleQueue[tuple[bytes, Future[Answer]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in os.sched_getaffinity(0)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, photo: bytes) -> Future[Answer]:
        """Let the content of an image file wait for its answer, or its ``RefusedError``."""
        future: Future[Answer] = Future()
        self._waiting.put((photo, future))
        return future

    def __len__(self) -> int:
        """Photos that wait."""
        return self._waiting.qsize()

    def close(self) -> None:
        """Answer what waits, and end the threads."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._answer_with(*first)

    def _answer_with(self, photo: bytes, future: Future[Answer]) -> None:
        """Answer a photo, and those that wait behind it."""
        batch: list[tuple[np.ndarray, Future[Answer]]] = []
        pixels = 0
        while True:
            if future.set_running_or_notify_cancel():  # else nobody waits any more
                try:
                    batch.append((self._decoded(photo), future))
                    pixels += batch[-1][0].size // 3
                except Exception as error:
                    future.set_exception(error)
            if len(batch) == BATCH or pixels >= self._most_pixels:
                break
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._waiting.put(None)  # the end is for the loop of a thread
                break
            photo, future = following
        if batch:
            self._answer(batch)

    def _decoded(self, photo: bytes) -> np.ndarray:
        header = read_header(photo)
        if header is not None and header.width * header.height > self._most_pixels:
            raise RefusedError(
                413,
                f"A photo may have {self._most_pixels:,} pixels at most; "
                f"this one has {header.width:,} x {header.height:,}.",
            )
        try:
            return io.decode_image(photo, maximum_pixels=self._most_pixels)
        except SightkitError as error:
            rule, step = error.args  # without what was received: its name is of no use to a client
            raise RefusedError(422, f"{rule} {step}") from None

    def _answer(self, batch: list[tuple[np.ndarray, Future[Answer]]]) -> None:
        try:
            probabilities = self._bundle.predict([image for image, _ in batch])
            answers = self._bundle.top(probabilities, self._top)
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
            else:
                for each in batch:
                    self._answer([each])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
