"""A folder of captchas whose file names are their texts: listed, checked, divided."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import _files, io
from sightkit._errors import SightkitError, few
from sightkit.preprocessing import Pipeline

TEST, VALIDATION = 0.2, 0.2
"""Share of the texts that are tested; share of the others by which choices are made."""
FEWEST = 20
"""Pictures. Of fewer, validation and test are two or three texts: what they show is chance."""


@dataclass(frozen=True)
class Captchas:
    """Pictures with their texts.

    Attributes:
        paths: image files.
        texts: what each says.
    """

    paths: tuple[Path, ...]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def alphabet(self) -> str:
        """The characters that occur, sorted."""
        return "".join(sorted({*"".join(self.texts)}))

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of the texts that occur, sorted."""
        return tuple(sorted({*map(len, self.texts)}))

    @property
    def sha256(self) -> str:
        """Hash of all texts and files: the identity of the data."""
        pairs = sorted(zip(self.texts, map(_files.sha256, self.paths), strict=True))
        return hashlib.sha256(repr(pairs).encode()).hexdigest()

    def take(self, rows: Sequence[int] | np.ndarray) -> Captchas:
        """Return some of them, by position."""
        return Captchas(tuple(self.paths[k] for k in rows), tuple(self.texts[k] for k in rows))

    def images(self, chain: Pipeline) -> np.ndarray:
        """Read all pictures, each prepared by a chain, as one array (N, height, width, C)."""
        return np.stack([chain(io.read_image(path)) for path in self.paths])


def read_text_folder(folder: str | os.PathLike[str], *, alphabet: str = "") -> Captchas:
    """List a folder of captchas named by their texts, ``2DTC.png``, and check each file.

    Args:
        folder: every file in it is a captcha; hidden files and folders in it are passed over.
        alphabet: the only characters that may occur; any by default.

    Returns:
        The captchas in the order of their names.

    Raises:
        SightkitError: no such folder or fewer than 20 pictures in it, a text with other characters
            or none, a file that is no whole picture, or one picture under two texts.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SightkitError(
            "The captchas must be a folder of pictures that are named by their texts, 2DTC.png.",
            "Check the path.",
            folder=str(folder),
        )
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]
    if len(paths) < FEWEST:
        raise SightkitError(
            f"There must be at least {FEWEST} captchas: of fewer nothing can be learned or tested.",
            "Add pictures that are named by their texts, 2DTC.png.",
            folder=str(folder),
            pictures=len(paths),
        )
    found = Captchas(tuple(paths), tuple(path.stem for path in paths))
    _require_alphabet(found, alphabet)
    _require_one_text_each(found)
    return found


def divide(captchas: Captchas, pictures: int | None = None) -> dict[str, Captchas]:
    """Divide captchas into training, validation and test pictures by the hashes of their texts.

    The texts are ordered by SHA-256. The first fifth is for the test; of what follows, or of its
    first ``pictures``, the first fifth is for validation and the rest for training. So the same
    folder is divided alike everywhere, a text is in one part alone, however many pictures show it,
    and fewer training pictures are a part of more, tested on the same ones.

    Args:
        captchas: all.
        pictures: number of pictures for training and validation together; all by default.

    Returns:
        ``train``, ``validation`` and ``test``.

    Raises:
        SightkitError: more pictures than there are, or too few for both.
    """
    by_text: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(captchas.texts):
        by_text[text].append(row)
    texts = sorted(by_text, key=lambda text: hashlib.sha256(text.encode()).digest())
    tested = round(TEST * len(texts))
    others = texts[tested:]
    if pictures is not None and not FEWEST <= pictures <= len(others):
        raise SightkitError(
            "The pictures for training and validation must be a number of those that are not "
            f"tested, at least {FEWEST}.",
            "Leave it out to take all.",
            pictures=pictures,
            available=len(others),
        )
    others = others[:pictures]
    validated = max(1, round(VALIDATION * len(others)))
    parts = {
        "train": others[validated:],
        "validation": others[:validated],
        "test": texts[:tested],
    }
    if not all(parts.values()):
        raise SightkitError(
            "There must be texts for training, validation and test.",
            "Add captchas of other texts.",
            **{name: len(part) for name, part in parts.items()},
        )
    return {
        name: captchas.take([row for text in part for row in by_text[text]])
        for name, part in parts.items()
    }


def unknown_characters(parts: Mapping[str, Captchas]) -> str:
    """Return the characters of any part that no training picture shows: none is ever answered."""
    shown = {*"".join(part.alphabet for part in parts.values())}
    return "".join(sorted(shown - {*parts["train"].alphabet}))


def require_length(lengths: Sequence[int]) -> int:
    """Return the length that all texts have.

    Raises:
        SightkitError: they have several: a head reads one place.
    """
    if len(lengths) != 1:
        raise SightkitError(
            "Heads read texts of one length: one a place.",
            "Give --method=ctc, which reads texts of any length.",
            lengths=tuple(lengths),
        )
    return lengths[0]


def _require_alphabet(captchas: Captchas, alphabet: str) -> None:
    bad = [
        path.name
        for path, text in zip(captchas.paths, captchas.texts, strict=True)
        if not (text.isascii() and text.isalnum()) or (alphabet and not {*text} <= {*alphabet})
    ]
    if bad:
        raise SightkitError(
            "A captcha's file name must be its text: "
            + (f"characters of {alphabet}." if alphabet else "letters A-Z, a-z and digits."),
            "Rename these files, or move them to another folder.",
            files=few(bad),
        )


def _require_one_text_each(captchas: Captchas) -> None:
    """Read every picture, and raise where one is under two texts."""
    seen: dict[bytes, int] = {}
    for row, path in enumerate(captchas.paths):
        image = io.read_image(path)
        key = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()
        first = seen.setdefault(key, row)
        if captchas.texts[first] != captchas.texts[row]:
            raise SightkitError(
                "The same picture must have one text.",
                "Look at it, and remove the file whose name is wrong.",
                files=[captchas.paths[first].name, path.name],
            )
