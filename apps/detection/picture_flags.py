"""What trainings on annotated pictures share: flags, the splits, the start. No Keras here."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sightkit import io, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.detection.annotation_files import read_annotations
from sightkit.apps.detection.annotations import AnnotatedPictures
from sightkit.apps.detection.shapes import write_shapes

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class PictureFlags(training.TrainingFlags, io.SizeFlags):
    """Base of the flags of a training on annotated pictures.

    Raises:
        SightkitError: a number out of range, no folder of pictures.
    """

    data: Path
    """Folder in VOC's layout with the lists train, val and test; or with train.json, val.json and
    test.json in COCO's form, or the same as .csv."""
    pretrained: bool = True
    """Begin with the weights that the network has learned on ImageNet."""
    weight_decay: float
    """Share of each weight that is taken away in a step, times the rate."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        io.SizeFlags.__post_init__(self)
        super().__post_init__()
        require_at_least(self, weight_decay=0)
        if not self.smoke and not self.data.is_dir():
            raise SightkitError(
                "--data must name the folder of the annotated pictures.",
                "Check the path.",
                data=str(self.data),
            )

    def made(self, folder: Path, seed: int) -> AnnotatedPictures:
        """Write the pictures of a split of a smoke run."""
        return write_shapes(folder, 8, seed=seed)

    def pictures(self, scratch: Path) -> dict[str, AnnotatedPictures]:
        """Read the splits, see ``SPLITS``; of a smoke run made pictures, written to ``scratch``.

        Raises:
            SightkitError: a missing list or file, faults of the annotations.
        """
        found: dict[str, AnnotatedPictures] = {}
        for seed, split in enumerate(SPLITS):
            names = found["train"].class_names if found else None
            files = [self.data / f"{split}{ending}" for ending in (".json", ".csv")]
            file = next((path for path in files if path.is_file()), None)
            if self.smoke:
                found[split] = self.made(scratch / split, seed)
            elif file is not None:
                found[split] = read_annotations(file, class_names=names)
            else:
                found[split] = read_annotations(self.data, split, class_names=names)
        return found


@contextlib.contextmanager
def start_training(
    config: PictureFlags, script: str | os.PathLike[str]
) -> Iterator[tuple[training.Run, dict[str, AnnotatedPictures]]]:
    """Lock the run folder and read the annotations; no Keras yet.

    Args:
        config: the script's flags.
        script: ``__file__``; its name is the experiment's.

    Yields:
        The run, and the pictures by split.

    Raises:
        SightkitError: as ``training.Run.open``; faults of the annotations; a class without a box.
    """
    with training.Run.open(config, experiment=Path(script).stem) as run:
        with tempfile.TemporaryDirectory() as scratch:
            pictures = config.pictures(Path(scratch))
            require_classes(pictures["train"])
            yield run, pictures


def require_classes(pictures: AnnotatedPictures) -> None:
    """Raise where training pictures have no box at all, or none of a class."""
    missing = [name for name, count in pictures.boxes_by_class().items() if not count]
    if missing or not pictures.class_names:
        raise SightkitError(
            "Each class must have boxes in the training pictures (a picture may have none).",
            "Annotate some, or leave the class out.",
            pictures=len(pictures),
            without=missing or "all",
        )
