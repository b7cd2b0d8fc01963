"""Take the README's picture of a report: docs/report.png, by Chromium without a window.

    make train
    python benchmarks/report_picture.py
    python benchmarks/report_picture.py --run runs/photos/logistic --output head.png --width 390

Needs Chromium on the PATH (Debian: apt-get install chromium).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sightkit import _cli, _files, _run_files
from sightkit._errors import SightkitError

ROOT = Path(__file__).parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
NARROWEST = 500
"""A window of Chromium is never narrower; a frame in it may be."""
SECONDS = 120


@dataclass(frozen=True)
class Config:
    """Draw the top of a run's report as a browser shows it."""

    run: Path = ROOT / "runs" / "lenet_digits" / "default"
    """Folder of the run."""
    output: Path = ROOT / "docs" / "report.png"
    """Picture to write."""
    width: int = 1000
    """Width of the page, pixels."""
    height: int = 1400
    """Height of the picture, pixels."""


def main(config: Config) -> None:
    report = config.run / _run_files.REPORT
    if not report.is_file():
        raise SightkitError("--run must hold a report.", "Give make train.", run=str(config.run))
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SightkitError(f"One of {', '.join(BROWSERS)} must be on the PATH.")
    with tempfile.TemporaryDirectory() as folder, _files.replacing(config.output) as temporary:
        page = Path(folder) / "page.html"
        style = f"border:0;width:{config.width}px;height:{config.height}px"
        page.write_text(
            f'<!doctype html><body style="margin:0"><iframe style="{style}" '
            f'src="{report.resolve().as_uri()}"></iframe>',
            encoding="utf-8",
        )
        size = f"--window-size={max(config.width, NARROWEST)},{config.height}"
        profile = f"--user-data-dir={folder}/profile"
        command = [browser, *FLAGS, profile, size, f"--screenshot={temporary}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if not temporary.is_file():
            raise SightkitError(f"{browser} drew nothing: {done.stderr.strip()[-300:]}")
    print(config.output)


if __name__ == "__main__":
    _cli.run(main, Config)
