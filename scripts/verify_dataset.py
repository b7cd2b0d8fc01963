"""Look at every image of a folder or of a dataset file, and list what is bad. Nothing is changed.

    python scripts/verify_dataset.py --data PHOTOS
    python scripts/verify_dataset.py --data datasets/animals.h5 --output bad.csv --max-bad 0

The list is a CSV file (path, reason, sha256, kind): what cannot be decoded, images whose name says
another format, the same picture once more, and what was left out. More bad images than
``--max-bad`` end with exit code 2. About 700 photographs a second and core.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Check a folder of images, or a dataset file."""

    data: Path | None = None
    """Folder of images, or a file that one of scripts/build_*.py wrote."""
    output: Path | None = None
    """The list to write; NAME.left_out.csv in the current folder by default, where there is
    anything to list."""
    max_bad: float = 0.01
    """Share of bad images, 0 to 1, up to which the exit code is 0."""
    smoke: bool = False
    """Check two photographs that come with scikit-learn."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not 0 <= self.max_bad <= 1:
            raise SightkitError(
                "--max-bad must be a share between 0 and 1.", "Give 0.01.", max_bad=self.max_bad
            )
        if self.data is None and not self.smoke:
            raise SightkitError("Name what is to be checked.", "Give --data FOLDER_OR_H5.")
        if self.data is not None and not self.data.exists():
            raise SightkitError(
                "--data must name a folder of images, or a dataset file.",
                "Nothing stands there: check the path.",
                data=str(self.data),
            )


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        data = config.data
        if config.smoke or data is None:
            data = _photographs(Path(scratch))
        return _verify(data, config)


def _verify(data: Path, config: Config) -> dict[str, Any]:
    from sightkit import io

    output = config.output or Path(f"{data.resolve().name}.left_out.csv")
    found = io.verify(data, tolerance=config.max_bad, output=output)
    print(found)
    if found.findings or config.output is not None:
        print(f"listed in {output}")
    else:
        output.unlink()
    kinds = ("bad", "warning", "left out")
    return {"checked": found.checked, **{kind: len(found.of_kind(kind)) for kind in kinds}}


def _photographs(folder: Path) -> Path:
    from importlib.resources import files

    (folder / "photographs").mkdir()
    for name in ("china.jpg", "flower.jpg"):
        data = files("sklearn.datasets.images").joinpath(name).read_bytes()
        (folder / "photographs" / name).write_bytes(data)
    return folder / "photographs"


if __name__ == "__main__":
    _cli.run(main, Config)
