"""Make docs/gallery of the pictures that the scripts of scripts/generative write themselves.

    make gallery
    python benchmarks/gallery.py --runs runs        # where trained bundles are

Dreams and styles are made here; what has to be trained first is taken from its run folder. What
cannot be made (no weights, no run) is named, and the picture that the gallery has of it stays.
Photos are scikit-learn's; the style is a painting of SIGHTKIT_TEST_DATA.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sightkit import _cli

ROOT = Path(__file__).resolve().parents[1]
PAGE, FOLDER = ROOT / "docs" / "gallery.md", ROOT / "docs" / "gallery"
WIDTH, QUALITY = 640, 88
PAINTING = Path(os.environ.get("SIGHTKIT_TEST_DATA", "")) / "style/artworks/starry_night.jpg"
CROP = (slice(150, 310), slice(220, 460))
"""Of the photo of a dahlia: what is enlarged."""


@dataclass(frozen=True)
class Config:
    """Make the gallery."""

    runs: Path = Path("runs")
    """Folder of the runs whose bundles draw."""


@dataclass(frozen=True)
class Picture:
    """A picture of the gallery.

    Attributes:
        name: of its file.
        says: what it shows.
        command: of ``sightkit``, with {photo}, {painting}, {small} and {runs}.
        output: file that the command writes.
    """

    name: str
    says: str
    command: str
    output: str


PICTURES = (
    Picture("dream", "A dream of a pagoda, MobileNet 1.0",
            "generative/deep_dream {photo} --octaves 4 --output dream.png", "dream.png"),
    Picture("style", "The same pagoda under the Starry Night, VGG16",
            "generative/style_transfer {photo} --style {painting} --output style.png", "style.png"),
    Picture("samples", "Digits that nobody wrote, DCGAN after five epochs",
            "generative/sample_dcgan --bundle {runs}/dcgan/default/bundle --count 60 --columns 20 "
            "--output samples.png", "samples.png"),
    Picture("walk", "From one digit to the next, through the space of noise",
            "generative/sample_dcgan --bundle {runs}/dcgan/default/bundle --count 5 --walk 20 "
            "--output walk.png", "walk.png"),
    Picture("enlarged", "A dahlia enlarged: bicubic, sub-pixel network, as it was",
            "generative/upscale {small} --bundle {runs}/super_resolution/default/bundle --output "
            "enlarged", "enlarged/small_x2.png"),
)  # fmt: skip


def main(config: Config) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {"made": [], "left": []}
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        photo, dahlia = _photos()
        small = cv2.resize(dahlia, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(place / "china.png"), photo)
        cv2.imwrite(str(place / "small.png"), small)
        values = {"photo": "china.png", "small": "small.png", "painting": PAINTING,
                  "runs": config.runs.resolve()}  # fmt: skip
        for picture in PICTURES:
            words = [word.format(**values) for word in picture.command.split()]
            command = [sys.executable, "-m", "sightkit", *words]
            if subprocess.run(command, cwd=place, check=False).returncode:
                made["left"].append(picture.name)
                continue
            image: Any = cv2.imread(str(place / picture.output))
            if picture.name == "enlarged":
                size = dahlia.shape[1::-1]
                plain = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
                image = np.hstack([each[: dahlia.shape[0]] for each in (plain, image, dahlia)])
            _write(picture.name, image)
            made["made"].append(picture.name)
    _write_page()
    print(f"{PAGE}: made {made['made']}, left as they were {made['left']}")
    return made


def _photos() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's pagoda and a crop of its dahlia, BGR."""
    from sklearn.datasets import load_sample_images

    china, flower = (image[..., ::-1] for image in load_sample_images().images)
    return np.ascontiguousarray(china), np.ascontiguousarray(flower[CROP])


def _write(name: str, image: np.ndarray) -> None:
    height = round(image.shape[0] * WIDTH / image.shape[1])
    if image.shape[1] > WIDTH:
        image = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(FOLDER / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def _write_page() -> None:
    names = {"photo": "china.jpg", "painting": "starry_night.jpg", "small": "small.png"}
    lines = ["# Gallery", "", "Each picture is the output of its command (`make gallery`).", ""]
    for picture in PICTURES:
        if (FOLDER / f"{picture.name}.jpg").is_file():
            command = picture.command.format(**names, runs="runs")
            lines += [f"![{picture.says}](gallery/{picture.name}.jpg)", "",
                      f"{picture.says}: `sightkit {command}`", ""]  # fmt: skip
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    _cli.run(main, Config)
