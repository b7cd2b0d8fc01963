"""A detector on frames as they come: in a window where there is a screen, else in a video file."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sightkit import _files, evaluation
from sightkit._errors import SightkitError
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.drawing import draw_detections
from sightkit.apps.detection.frames import Frames

TITLE = "q ends"
ESCAPE = 27
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
FOLDER = Path("smiles")
"""Where results are written by default."""


@dataclass(frozen=True)
class Sources:
    """What is to be searched: pictures and videos, or a camera where none are named.

    Attributes:
        photos: image files, and folders of them.
        videos: video files.
        camera: number of the camera, or None.
    """

    photos: tuple[Path, ...]
    videos: tuple[Path, ...]
    camera: int | None

    @classmethod
    def of(cls, named: Sequence[Path], camera: int) -> Sources:
        """Return named files and folders by their kind; the camera where there are none."""
        videos = tuple(path for path in named if path.suffix.lower() in VIDEOS)
        photos = tuple(path for path in named if path not in videos)
        return cls(photos, videos, None if named else camera)

    def output(self, given: Path | None) -> Path | None:
        """Return the folder of what is written; None where all is shown in windows."""
        return given or (FOLDER if self.photos or not has_screen() else None)

    def open(
        self, output: Path | None, *, overwrite: bool = False
    ) -> dict[str, tuple[Frames, Path | None]]:
        """Open camera and videos: name to frames and the video to write, or None for a window.

        Raises:
            SightkitError: no camera, no video that can be read, or one that is there already.
        """
        names: dict[int | Path, str] = {**evaluation.output_names(self.videos)}
        if self.camera is not None:
            names[self.camera] = f"camera-{self.camera}"
        written = {source: output and output / f"{name}.avi" for source, name in names.items()}
        there = [str(path) for path in written.values() if path and path.exists()]
        if there and not overwrite:
            raise SightkitError(
                "The video to write exists already.",
                "Give --overwrite to replace it, or another --output.", found=there,
            )  # fmt: skip
        return {str(source): (Frames(source), path) for source, path in written.items()}


def in_words(result: dict[str, Any]) -> str:
    """Return what ``detect_live`` has counted, for people."""
    found = ", ".join(f"{count:,} {name}" for name, count in result["detections"].items())
    return f"{result['frames']:,} frames, {found or 'no face'}"


def write_sample_face(folder: str | os.PathLike[str]) -> Path:
    """Write Matplotlib's photograph of Grace Hopper, 606x512, and return its path."""
    from matplotlib import cbook

    path = Path(folder) / "grace_hopper.jpg"
    path.write_bytes(Path(cbook.get_sample_data(path.name, asfileobj=False)).read_bytes())
    return path


def has_screen() -> bool:
    """Return whether a window can be shown: OpenCV ends the process where it cannot."""
    if sys.platform.startswith("linux"):
        screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
        return screen and "GUI:                           NONE" not in cv2.getBuildInformation()
    return True


def detect_live(
    find: Callable[[np.ndarray], Detections], frames: Frames, video: str | os.PathLike[str] | None
) -> dict[str, Any]:
    """Draw what is found into each frame, until the frames, the user or Ctrl-C end it.

    Args:
        find: uint8 (H, W, 3) RGB to what is found in it.
        frames: of a camera or a file; closed at the end.
        video: file to write, ``.avi`` (motion JPEG); None shows them in a window, which q or
            Escape end.

    Returns:
        ``frames``, and ``detections``: how many of each class.
    """
    count, found = 0, Counter[str]()
    output = _Window() if video is None else _Video(Path(video), frames.rate)
    try:
        for frame in frames:
            detections = find(frame)
            count += 1
            found.update(detections.names())
            if not output.show(draw_detections(frame, detections)):
                break
    except KeyboardInterrupt:
        pass  # what ends a camera
    finally:
        frames.close()
        output.close()
    return {"frames": count, "detections": dict(found)}


class _Window:
    """A window on the screen."""

    def show(self, frame: np.ndarray) -> bool:
        """Show a frame; return whether the user wants more."""
        cv2.imshow(TITLE, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF
        closed = cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
        return pressed not in (ord("q"), ESCAPE) and not closed

    def close(self) -> None:
        """Close it."""
        cv2.destroyAllWindows()


class _Video:
    """A video file, complete when it is closed."""

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self.rate = path, rate
        self.partial = _files.partial_of(path)
        self.writer: cv2.VideoWriter | None = None

    def show(self, frame: np.ndarray) -> bool:
        """Write a frame."""
        if self.writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            height, width = frame.shape[:2]
            code = cv2.VideoWriter.fourcc(*"MJPG")
            self.writer = cv2.VideoWriter(str(self.partial), code, self.rate, (width, height))
            if not self.writer.isOpened():
                raise SightkitError(
                    "The video cannot be written.", "Choose another --output.",
                    path=str(self.path),
                )  # fmt: skip
        self.writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        return True

    def close(self) -> None:
        """Give the file its name."""
        if self.writer is not None:
            self.writer.release()
            os.replace(self.partial, self.path)
