"""Find faces and say whether they smile: of a camera, a video file or pictures.

    sightkit detection/smiles --bundle runs/lenet_smiles/default/bundle
    sightkit detection/smiles photo.jpg FOLDER film.mp4 --bundle RUN/bundle --output smiles

Without a name the camera is read. OpenCV's cascade finds the faces, or a bundle of train_hog_svm;
the bundle of train_lenet_smiles.py classifies each. Videos are shown in a window where there is a
screen (q or Escape ends it), and written as .avi where there is none or --output is given;
pictures are written as .png, with a .json each.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, evaluation, io, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import detection


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Find smiles."""

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Image files, folders of them, or video files; the camera by default."""
    bundle: Path | None = None
    """Folder of a trained classifier of faces: RUN/bundle."""
    faces: Path | None = None
    """Bundle of train_hog_svm that finds the faces; OpenCV's cascade by default."""
    camera: int = 0
    """Number of the camera."""
    output: Path | None = None
    """Folder to write into; smiles by default, where something is written."""
    overwrite: bool = False
    """Replace earlier results of the same pictures and videos."""
    smoke: bool = False
    """Take a network with random weights, and Matplotlib's photograph of Grace Hopper."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, camera=0)
        if self.bundle is None and not self.smoke:
            raise SightkitError(
                "Name a classifier of faces.",
                "Give --bundle RUN/bundle, of scripts/train_lenet_smiles.py for example.",
            )
        if self.bundle is not None:
            detection.require_two(training.check_bundle(self.bundle)["class_names"])
        if self.faces is not None:
            training.check_bundle(self.faces, ("hog_svm",))


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        made = (detection.write_sample_face(scratch),) if config.smoke else ()
        sources = detection.Sources.of(config.sources or made, config.camera)
        # What cannot be opened or written is reported before the network is loaded.
        photos = evaluation.PhotoFolder(sources.photos) if sources.photos else None
        output = sources.output(config.output)
        names = evaluation.output_names(photos.files) if photos else {}
        replaced = config.overwrite or config.smoke
        if output is not None:
            detection.require_new_results(output, names, overwrite=replaced)
        videos = sources.open(output, overwrite=replaced)
        find = detection.open_smile_detector(config.bundle, config.faces)
        results: dict[str, Any] = {}
        for source, (frames, video) in videos.items():
            results[source] = detection.detect_live(find, frames, video)
            print(f"{source}: {detection.in_words(results[source])}")
        if photos is not None and output is not None:
            results |= detection.detect_photos(find, photos, names, output)
        elif output is not None:
            print(output)
        return results


if __name__ == "__main__":
    _cli.run(main, Config)
