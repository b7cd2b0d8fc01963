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
from typing import Any

from sightkit import _cli, evaluation
from sightkit.apps import detection


@dataclass(frozen=True)
class Config(detection.SmileFlags):
    """Find smiles."""


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        made = (detection.write_sample_face(scratch),) if config.smoke else ()
        sources = detection.Sources.of(config.sources or made, config.camera)
        # What cannot be opened or written is reported before the network is loaded.
        photos = None
        if sources.photos:
            photos = evaluation.PhotoFolder(sources.photos, follow_links=config.follow_links)
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
