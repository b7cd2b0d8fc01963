"""Compare enlarged pictures with the originals, by the four protocols in use, side by side.

    sightkit generative/evaluate_super_resolution --data Set5
    sightkit generative/evaluate_super_resolution --data Set5 --bundle RUN/bundle OTHER/bundle

Prints PSNR (dB) and SSIM of bicubic and of each network: mean over the pictures, a column for each
protocol. Which luma is compared (MATLAB's, 16-235, or OpenCV's, 0-255) and which way pictures are
made small (MATLAB's antialiased bicubic, or OpenCV's, which is not) move every figure by more than
networks differ. The first column is the published one: bicubic has 33.66, 30.39 and 28.42 dB there
for x2, x3 and x4 on Set5. comparison.png shows the pictures side by side.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, io
from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Compare enlarged pictures with the originals."""

    data: Path | None = None
    """Folder of the original pictures."""
    bundle: tuple[Path, ...] = ()
    """Folders of networks, RUN/bundle. Without one bicubic alone, by 2, 3 and 4."""
    output: Path = Path("super_resolution")
    """Folder for evaluation.json and comparison.png."""
    overwrite: bool = False
    """Replace an earlier evaluation."""
    smoke: bool = False
    """Compare bicubic on sample photos where no folder is named."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.data is None and not self.smoke:
            raise SightkitError("Name the folder of the original pictures.", "Give --data Set5.")


def main(config: Config) -> dict[str, Any]:
    generative.require_new_evaluation(config.output, overwrite=config.overwrite or config.smoke)
    for path in config.bundle:
        generative.check_upscaler(path)
    with tempfile.TemporaryDirectory() as scratch:
        if config.data is None:
            io.write_sample_photos(scratch)
        folder = config.data or Path(scratch)
        pictures = generative.read_pictures(folder, follow_links=config.follow_links)
    upscalers = {}
    if config.bundle:
        _cli.start_keras()
        upscalers = {str(path): generative.load_upscaler(path) for path in config.bundle}
    report = generative.report_enlargements(pictures, upscalers, config.output)
    for row in report["rows"] if config.data is not None else ():
        test = {"test": {"count": report["pictures"], "factor": row["factor"], **row["protocols"]}}
        name = "evaluate_super_resolution"
        ledger.record_evaluation(name, test, folder, network=row["network"])
    return report


if __name__ == "__main__":
    _cli.run(main, Config)
