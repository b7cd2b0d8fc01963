"""Find things in pictures: boxes with labels and scores, drawn and as JSON.

    sightkit detection/detect --method haar PHOTOS --output faces
    sightkit detection/detect --method dense --model mobilenet_0.75 beagle.jpg --threshold 0.6
    sightkit detection/detect --method bundle --bundle RUN/bundle PHOTOS

haar finds frontal faces and hog pedestrians (both OpenCV's; hog --bundle takes one of
train_hog_svm). sliding makes a detector of any classifier: it classifies windows of the picture in
many sizes; --background names classes that are no things. dense computes all windows of a network
at once, tens of times faster where it ends in global pooling, and confirms what it finds
(docs/detection_windows.md). bundle takes a trained detector.

NAME.json holds {"image": file, "detections": [{"label", "score", "box": [x0, y0, x1, y1]}]}, in
pixels; NAME.png shows it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, evaluation, io
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import detection


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Find things in pictures."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, or folders of them."""
    method: detection.Method = "haar"
    """The detector."""
    bundle: Path | None = None
    """Folder of a trained classifier (sliding, dense) or detector (bundle, hog): RUN/bundle."""
    model: str | None = None
    """Network trained on ImageNet in place of --bundle: mobilenet_0.75 for example."""
    window: tuple[int, int] | None = None
    """Height and width of sliding's windows, pixels; what the classifier takes by default."""
    stride: int | None = None
    """Pixels between windows; a quarter of the window by default, of dense the network's own."""
    scale: float = 1.5
    """Factor from one size of the picture to the next, of sliding and dense."""
    threshold: float | None = None
    """Least score; 0.9 of sliding and dense, else 0.5."""
    overlap: float = 0.3
    """Intersection over union that two boxes of a class may have, of sliding and dense."""
    background: tuple[str, ...] = ()
    """Classes of sliding and dense that are not things."""
    output: Path = Path("detections")
    """Folder to write into."""
    overwrite: bool = False
    """Replace earlier results of the same pictures."""
    smoke: bool = False
    """Take sample photos where none are named, and a small random network where one is needed."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.images and not self.smoke:
            raise SightkitError(
                "Name at least one image file or folder.",
                "Before --background, which takes all that follows it."
                if self.background
                else "For example photo.jpg.",
            )
        if self.stride is not None:
            require_at_least(self, stride=1)
        detection.check_search(self.window, self.stride, self.scale, self.threshold, self.overlap)
        detection.check_network(self.method, self.bundle, self.model, made_up=self.smoke)


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        if not config.images:
            detection.write_sample_annotations(scratch)
        given = config.images or (Path(scratch),)
        photos = evaluation.PhotoFolder(given, follow_links=config.follow_links)
        names = evaluation.output_names(photos.files)
        detection.require_new_results(
            config.output, names, overwrite=config.overwrite or config.smoke
        )
        find = detection.open_finder(
            config.method, bundle=config.bundle, model=config.model, window=config.window,
            stride=config.stride, scale=config.scale, threshold=config.threshold,
            overlap=config.overlap, background=config.background,
        )  # fmt: skip
        return detection.detect_photos(find, photos, names, config.output)


if __name__ == "__main__":
    _cli.run(main, Config)
