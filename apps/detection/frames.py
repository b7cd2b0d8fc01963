"""Frames of a camera or a video file, read one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from sightkit._errors import SightkitError

RATE = 25.0
"""Frames a second, where a source does not say."""
# FFmpeg writes lines of its own on stderr; OpenCV reads this once, before its first video.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


class Frames:
    """The frames of a source; iterate once, then ``close``.

    Args:
        source: number of a camera, or the path of a video file.

    Attributes:
        rate: frames a second.

    Raises:
        SightkitError: there is no such camera, or no video that can be read.
    """

    def __init__(self, source: int | str | os.PathLike[str]) -> None:
        camera = isinstance(source, int)
        if not camera and not Path(source).is_file():
            raise SightkitError(
                "The video must be a file that exists.", "Check the path.", video=str(source)
            )
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            self._capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
            read, self._first = self._capture.read()
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not read:
            self.close()
            raise SightkitError(
                "No frame can be read from the camera." if camera
                else "No frame can be read from the video.",
                "Connect it and close other programs that use it, or name pictures or a video file."
                if camera else "Convert it first, for example to .mp4 with H.264.",
                **{"camera" if camera else "video": str(source)},
            )  # fmt: skip
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if 1 <= rate <= 240 else RATE

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield uint8 (H, W, 3), RGB, until the video ends or the camera gives no more."""
        read, frame = True, self._first
        while read:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            read, frame = self._capture.read()

    def close(self) -> None:
        """Let go of the camera or the file."""
        self._capture.release()
