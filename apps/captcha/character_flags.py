"""The flags of a training on characters, and the dataset file that they name."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sightkit import experiments, io
from sightkit.apps.captcha.character_data import build_characters
from sightkit.apps.captcha.drawn_captchas import write_characters


@dataclass(frozen=True, kw_only=True)
class CharacterConfig(experiments.Config):
    """Base of the ``Config`` of a training on characters of captchas."""

    characters: Path = Path("datasets/captcha/dataset")
    """Folder of the labelled characters, a folder for each."""
    captchas: Path | None = None
    """Folder of the captchas that they were cut from, or of some of them."""
    tested: Path | None = None
    """Table of captchas (file, sha256, text) whose characters are left out."""
    exclude: tuple[str, ...] = ()
    """Characters to leave out because their label is wrong: 4/000037.png."""
    length: int = 4
    """Characters of a captcha."""

    def character_file(self) -> tuple[io.DatasetFile, dict[str, int]]:
        """Return the dataset file, built or opened, and its counts, which are printed.

        A smoke run that finds no characters draws some.
        """
        with tempfile.TemporaryDirectory() as scratch:
            folder = self.characters
            if self.smoke and not folder.exists():
                folder = write_characters(Path(scratch), seed=self.split_seed)
            file, found = build_characters(
                self.data, folder, captchas=self.captchas, tested=self.tested,
                exclude=self.exclude, count=self.length, side=self.height,
                fractions=self.shares, split_seed=self.split_seed, limit=self.limit,
            )  # fmt: skip
        print(", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in found.items()))
        return file, found
