"""A folder of labelled characters as a dataset file: none from tested captchas, none in two splits.

The source of a character is found by its pixels: ``cut_characters`` cuts the same picture into the
same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _csv, io
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.apps.captcha.characters import cut_characters
from sightkit.apps.captcha.labels import files_of, read_captchas, read_labels
from sightkit.preprocessing import GrayscalePreprocessor, PadPreprocessor, Pipeline

TESTED = "equal to a character of a tested captcha"
EXCLUDED = "excluded"


@dataclass(frozen=True)
class CharacterFolder:
    """Labelled characters, a folder for each, without some of them; a source of ``build_dataset``.

    Attributes:
        folder: as ``io.FolderDataset`` takes it: CLASS/image.png.
        left_out: name below the folder and reason of each that is not taken.
    """

    folder: Path
    left_out: tuple[tuple[str, str], ...] = ()

    def __call__(self) -> io.ImageSource:
        """The characters that are left: uint8 (H, W, 3), grey as RGB, sizes as they are."""
        source, out = io.FolderDataset(self.folder)(), dict(self.left_out)
        rows = [row for row in range(len(source)) if source.identify(row) not in out]
        return dataclasses.replace(
            source,
            labels=source.labels[rows],
            read=lambda row: source.read(rows[row]),
            identify=lambda row: source.identify(rows[row]),
            left_out=(*source.left_out, *self.left_out),
        )

    def to_config(self) -> dict[str, Any]:
        """Describe the source for the recipe of a dataset file."""
        names = "\n".join(f"{name}\t{reason}" for name, reason in sorted(self.left_out))
        digest = hashlib.sha256(names.encode("utf-8", "backslashreplace")).hexdigest()
        return {**io.FolderDataset(self.folder).to_config(), "left_out": digest}


def build_characters(
    path: Path,
    folder: Path,
    *,
    captchas: Path | None = None,
    tested: Path | None = None,
    exclude: Sequence[str] = (),
    count: int = 4,
    side: int = 28,
    fractions: Mapping[str, float],
    split_seed: int = 42,
    limit: int | None = None,
) -> tuple[io.DatasetFile, dict[str, int]]:
    """Write a dataset file of characters, grey and padded to squares; or open the same.

    Characters of one captcha stay in one split, as far as their captcha is found; and so do equal
    ones.

    Args:
        path: the file, .h5.
        folder: of the labelled characters: CLASS/image.png.
        captchas: folder of captchas that they were cut from, or of some of them.
        tested: table of captchas (``read_labels``) that whole texts will be tested on: every
            character that is equal to one of theirs is left out.
        exclude: characters to leave out, by their names below the folder: ``4/000037.png``.
        count: characters of a captcha.
        side: pixels of a square.
        fractions: shares of the splits.
        split_seed: of the split.
        limit: characters of each split at most.

    Returns:
        The file, and counts: ``characters``, ``captchas``, ``of_known_captchas``, and the reasons
        of those that were left out.

    Raises:
        SightkitError: ``tested`` without ``captchas``, a captcha that is missing or cannot be read,
            a character to exclude that is not there; or as ``io.build_dataset``.
    """
    if tested is not None and captchas is None:
        raise SightkitError(
            "The characters of tested captchas are found by their pictures.",
            "Give --captchas, the folder of the captchas.",
            tested=str(tested),
        )
    source = io.FolderDataset(folder)()
    names = [source.identify(row) for row in range(len(source))]
    if strange := sorted({*exclude} - {*names}):
        raise SightkitError(
            "Characters that are excluded must be there.",
            f"Names are CLASS/IMAGE: {few(names, 2)}.",
            exclude=few(strange),
        )
    keys = [_key(source.read(row)[..., :1]) for row in range(len(names))]
    cut = {} if captchas is None else _cut_all(captchas, count)
    rows = [] if tested is None or captchas is None else read_labels(tested)
    paths = files_of(rows, captchas) if captchas is not None else []
    held = {key for each in paths for key in cut.get(each.name, ())}
    out = {name: TESTED for name, key in zip(names, keys, strict=True) if key in held}
    out |= dict.fromkeys(exclude, EXCLUDED)
    captcha_of = _captchas_of(names, keys, cut)
    kept = [name for name in names if name not in out]
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch, "captchas.csv")
        groups = [{"image": name, "group": captcha_of.get(name, name)} for name in kept]
        _csv.write_csv(table, groups)
        file = io.build_dataset(
            CharacterFolder(folder, tuple(sorted(out.items()))),
            path,
            preprocessors=Pipeline((GrayscalePreprocessor(), PadPreprocessor(side, side))),
            fractions=fractions,
            split_seed=split_seed,
            limit=limit,
            groups=None if captchas is None else str(table),
        )
    facts = {"characters": len(names), "captchas": len(cut), "of_known_captchas": len(captcha_of)}
    return file, {**facts, **Counter(out.values())}


def _cut_all(folder: Path, count: int) -> dict[str, list[tuple[int, bytes]]]:
    """Return the keys of each captcha's characters by its file's name; odd ones are reported."""
    _, images = read_captchas(folder)
    found = {
        name: [_key(each) for each in cut_characters(image, count)]
        for name, image in images.items()
    }
    if strange := [name for name, keys in found.items() if len(keys) != count]:
        warn(
            f"{len(strange)} of {len(found)} captchas have another number of characters than "
            f"{count}: {few(strange)}."
        )
    return found


def _captchas_of(
    names: Sequence[str],
    keys: Sequence[tuple[int, bytes]],
    cut: Mapping[str, Sequence[tuple[int, bytes]]],
) -> dict[str, str]:
    """Give each captcha's character the first file that equals it and has no captcha yet.

    Files are numbered as they were labelled, captcha by captcha: of equal ones, which are many
    where characters are printed by a machine, each captcha gets its own.
    """
    free: dict[tuple[int, bytes], list[str]] = {}
    for name, key in sorted(zip(names, keys, strict=True), reverse=True):
        free.setdefault(key, []).append(name)
    return {
        free[key].pop(): captcha
        for captcha, characters in sorted(cut.items())
        for key in characters
        if free.get(key)
    }


def _key(character: np.ndarray) -> tuple[int, bytes]:
    return character.shape[1], character.tobytes()
