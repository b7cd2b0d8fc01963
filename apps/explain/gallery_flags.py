"""The flags that scripts on a gallery of photos share."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sightkit import evaluation, io, transfer
from sightkit._errors import SightkitError
from sightkit.apps.explain.gallery import open_gallery


@dataclass(frozen=True)
class GalleryFlags(io.FolderFlags):
    """A gallery of photos, and a picture of it."""

    data: Path | None = None
    """Photos in a folder, with class folders or without; a dataset file; or a feature file of
    scripts/extract_features.py."""
    model: str | None = None
    """Network, as extract_features.py takes it; mobilenetv2_0.35 by default, or a file's own."""
    output: Path = Path("gallery.png")
    """Picture to write (.png)."""
    overwrite: bool = False
    """Replace an existing file that --output names."""
    smoke: bool = False
    """Take random weights where no network is named, and two dozen pictures where none are."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.data is None and not self.smoke:
            raise SightkitError("Name the photos.", "Give --data FOLDER_OR_H5.")
        if self.model is not None:
            transfer.check_network(self.model)
        own = self.output == type(self).__dataclass_fields__["output"].default
        evaluation.require_file(self.output, (".png",), overwrite=self.overwrite or own)

    @contextlib.contextmanager
    def opened(self, check: Callable[[int], object]) -> Iterator[transfer.Features]:
        """Open the gallery's features; those that were extracted are gone afterwards.

        Args:
            check: called with the number of photos before any are extracted.
        """
        with tempfile.TemporaryDirectory() as scratch:
            data, random = self.data, self.smoke and self.model is None
            if data is None:
                data = Path(scratch) / "photos"
                data.mkdir()
                io.write_sample_photos(data)
            model = "minivggnet" if random else self.model
            yield open_gallery(
                data, scratch, model=model, random=random, check=check, **self.options
            )
