"""Check every image of a folder or of a dataset file, and list the bad ones. Nothing is changed.

    python scripts/verify_dataset.py --data PHOTOS
    python scripts/verify_dataset.py --data datasets/animals.h5 --output bad.csv --max-bad 0

The list is a CSV file (path, reason, sha256, kind): images that cannot be decoded or whose name has
the ending of another format, copies, and files that were left out. More bad images than
``--max-bad`` end with exit code 2. About 700 photographs a second and core.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, io
from sightkit._errors import SightkitError
from sightkit.io.arguments import share


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Check a folder of images, or a dataset file."""

    data: Path | None = None
    """Folder of images, or a file that one of scripts/build_*.py wrote."""
    output: Path | None = None
    """List to write; NAME.left_out.csv in the current folder by default, where there is
    anything to list."""
    exclude: tuple[str, ...] = ()
    """Folders in the folder, by name or path, to leave out; or patterns, also of files."""
    max_bad: float = 0.01
    """Share of bad images, 0 to 1, up to which the exit code is 0."""
    smoke: bool = False
    """Check two dozen sample pictures."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        share("max_bad", self.max_bad)
        if self.data is None and not self.smoke:
            raise SightkitError("Name the data to check.", "Give --data FOLDER_OR_H5.")
        if self.data is not None and not self.data.exists():
            raise SightkitError(
                "--data must name a folder of images, or a dataset file.",
                "It does not exist: check the path.",
                data=str(self.data),
            )


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        data = None if config.smoke else config.data
        if data is None:
            data = Path(folder) / "photographs"
            io.write_sample_photos(data)
        output = config.output or Path(f"{data.resolve().name}.left_out.csv")
        found = io.verify(
            data,
            tolerance=config.max_bad,
            output=output,
            exclude=config.exclude,
            follow_links=config.follow_links,
        )
    print(found)
    if found.findings:
        print(f"listed in {output}")
    kinds = ("bad", "warning", "left out")
    return {"checked": found.checked, **{kind: len(found.of_kind(kind)) for kind in kinds}}


if __name__ == "__main__":
    _cli.run(main, Config)
