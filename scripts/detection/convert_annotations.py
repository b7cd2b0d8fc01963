"""Convert annotated pictures between VOC's layout, COCO's JSON and CSV, and check all of them.

    sightkit detection/convert_annotations --data VOC --split train --output train.json
    sightkit detection/convert_annotations --data boxes.csv --output VOC --output-split train

The three hold the same boxes, bit for bit. All faults are reported together: boxes without an area
or outside of their picture, missing or truncated pictures, sizes that differ. Seconds for thousands
of pictures; each is decoded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli
from sightkit._errors import SightkitError
from sightkit._tables import text_table
from sightkit.apps import detection


@dataclass(frozen=True)
class Config:
    """Convert annotations."""

    data: Path | None = None
    """Folder in VOC's layout, .json of COCO's form, or .csv (image,label,x0,y0,x1,y1)."""
    split: str | None = None
    """List of VOC's layout to read; all pictures by default."""
    images: Path | None = None
    """Folder of the pictures that a file names; its own folder by default."""
    output: Path = Path("annotations.json")
    """What to write: .json, .csv, or a folder in VOC's layout."""
    output_split: str = "all"
    """Name of the list in VOC's layout."""
    overwrite: bool = False
    """Replace an existing file, or write into a folder that holds something."""
    smoke: bool = False
    """Take two annotated pictures that are made here."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.data is None and not self.smoke:
            raise SightkitError("Name the annotations.", "Give --data VOC, for example.")
        again = self.overwrite or self.smoke
        detection.require_annotations_output(self.output, self.output_split, overwrite=again)


def main(config: Config) -> dict[str, Any]:
    if config.data is None:
        pictures = detection.write_shapes(config.output.parent / "sample_pictures", 2)
    else:
        pictures = detection.read_annotations(config.data, config.split, config.images)
    detection.write_annotations(pictures, config.output, config.output_split)
    counts = pictures.boxes_by_class()
    print(text_table([{"class": name, "boxes": count} for name, count in counts.items()]))
    print(f"{len(pictures):,} pictures, {sum(counts.values()):,} boxes: {config.output}")
    return {"pictures": len(pictures), "boxes": counts}


if __name__ == "__main__":
    _cli.run(main, Config)
