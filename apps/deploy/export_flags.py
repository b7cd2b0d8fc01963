"""The flags of scripts/deploy/export.py. No Keras here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sightkit import _output_folder, io, training
from sightkit._errors import SightkitError
from sightkit.apps.deploy.exportable import require_formula
from sightkit.apps.deploy.exported import FormatName, format_of, require_possible
from sightkit.apps.deploy.exported_folder import DESCRIPTION, FORMAT
from sightkit.apps.deploy.proof import require_enough
from sightkit.apps.deploy.web_page import runtime_files
from sightkit.evaluation.evaluation_data import require_images


@dataclass(frozen=True)
class ExportFlags:
    """The flags of scripts/deploy/export.py."""

    bundle: Path | None = None
    """Folder of the network, or of networks and a linear head: RUN/bundle."""
    format: FormatName = "onnx"
    """Form of the file."""
    int8: bool = False
    """Weights and activations of 8 bits, for onnx and litert; needs --data, 160 photos or more."""
    data: Path | None = None
    """Photos to compare on, dataset file (.h5) or folder; of class folders for --int8. By default
    variations of the bundle's canary image."""
    split: str = "test"
    """Split of the dataset file."""
    page: Path | None = None
    """Folder of npm's onnxruntime-web: write page.html too, which answers photos in any browser,
    without a server. For onnx."""
    output: Path = Path("exported")
    """Folder to write into."""
    overwrite: bool = False
    """Replace the folder of an earlier export."""
    smoke: bool = False
    """Export a small network with random weights."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.bundle is None and not self.smoke:
            raise SightkitError("A trained network is exported.", "Give --bundle RUN/bundle.")
        require_possible(self.format, int8=self.int8, data=self.data, page=self.page)
        overwrite = self.overwrite or self.smoke
        _output_folder.require_new(self.output, DESCRIPTION, FORMAT, overwrite=overwrite)
        if self.bundle is not None:
            bundle = training.check_bundle(self.bundle)
            if "head" in bundle:
                require_formula(bundle["head"])
            if self.int8 and self.data is not None:
                require_enough(self.data, self.split, bundle["class_names"])
        if self.data is not None and not self.data.is_dir():
            file = io.DatasetFile.open(self.data)
            require_images(file)
            file.rows(self.split)
        elif self.data is None and self.split != "test":
            raise SightkitError("--split is of --data.", "Give --data FILE.h5.", split=self.split)
        if self.page is not None:
            runtime_files(self.page)
        format_of(self.format)
