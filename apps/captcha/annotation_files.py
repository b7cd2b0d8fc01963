"""The files of an annotation, each replaced atomically.

``annotation.json`` alone is read back; ``labels.csv`` and the characters as
``dataset/CHARACTER/CAPTCHA-PLACE.png``, the books' layout, are made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from typing_extensions import TypedDict

from sightkit import _files, _schema
from sightkit._errors import SightkitError
from sightkit.apps.captcha.labels import LabelledCaptcha, write_labels
from sightkit.io.images import encode_png

STATE, LABELS, CHARACTERS = "annotation.json", "labels.csv", "dataset"


@dataclass
class Entry:
    """A captcha of the folder: what was typed, and whether it is labelled.

    Attributes:
        sha256: of its file.
        typed: a character or nothing for each place.
        place: of the cursor.
        keys: pressed for it.
        done: its text is saved as its label.
    """

    sha256: str
    typed: list[str]
    place: int = 0
    keys: int = 0
    done: bool = False


class StoredEntry(TypedDict):
    """An entry in annotation.json."""

    sha256: _schema.Sha256
    typed: list[str]
    place: _schema.Whole
    keys: _schema.Whole
    done: bool


class Stored(TypedDict):
    """The content of annotation.json."""

    format: Literal["sightkit-annotation"]
    alphabet: _schema.Name
    length: Annotated[int, Ge(1)]
    captchas: dict[str, StoredEntry]


@dataclass(frozen=True)
class AnnotationFiles:
    """The files in a folder of labels.

    Attributes:
        folder: it exists.
        alphabet: characters that texts have: letters and digits, which name folders.
        length: characters of a text.
    """

    folder: Path
    alphabet: str
    length: int

    def __post_init__(self) -> None:
        """Check the alphabet."""
        require_alphabet(self.alphabet)

    def resume(self, entries: dict[str, Entry]) -> None:
        """Put what was stored into the entries of the captchas.

        Raises:
            SightkitError: a damaged file, another alphabet or length, a captcha that is gone or has
                changed, or labels that no annotation has written.
        """
        path = self.folder / STATE
        if not path.exists():
            self._require_no_labels()
            return
        stored = _schema.read(path, Stored)
        if (stored["alphabet"], stored["length"]) != (self.alphabet, self.length):
            raise SightkitError(
                "A folder of labels has one alphabet and one length.",
                "Give those of the folder, or another --output.",
                folder=str(self.folder),
                alphabet=stored["alphabet"],
                length=stored["length"],
            )
        for name, each in stored["captchas"].items():
            if name not in entries or each["sha256"] != entries[name].sha256:
                raise SightkitError(
                    "Captchas that labels were begun for must be there, as they were.",
                    "Give the same folder of captchas, or another --output.",
                    folder=str(self.folder),
                    captcha=name,
                )
            fits = len(each["typed"]) == self.length and each["place"] < self.length
            fits = fits and (all(each["typed"]) or not each["done"])
            if not fits or not {*each["typed"]} <= {*self.alphabet, ""}:
                raise SightkitError(
                    f"{STATE} must hold characters of its alphabet.",
                    "It is damaged: restore a copy, or give another --output.",
                    path=str(path),
                    captcha=name,
                )
            entries[name] = Entry(**each)

    def _require_no_labels(self) -> None:
        """Raise where labels are in the folder that no annotation has written."""
        found = [name for name in (LABELS, CHARACTERS) if (self.folder / name).exists()]
        if found:
            raise SightkitError(
                f"The folder holds {found[0]} and no {STATE}: others have written it.",
                "Give another --output.",
                folder=str(self.folder),
            )

    def save(self, entries: Mapping[str, Entry]) -> None:
        """Write all that was begun; annotation.json first: the rest is made of it."""
        begun = {name: asdict(each) for name, each in entries.items() if each.keys}
        state = {"format": "sightkit-annotation", "alphabet": self.alphabet, "length": self.length}
        _files.write_json(self.folder / STATE, {**state, "captchas": begun})
        done = {name: entry for name, entry in entries.items() if entry.done}
        rows = [LabelledCaptcha(n, e.sha256, "".join(e.typed)) for n, e in sorted(done.items())]
        write_labels(self.folder / LABELS, rows)

    def write_characters(self, name: str, entry: Entry, cut: Sequence[np.ndarray]) -> None:
        """Bring the characters of a captcha in line with its label: written, or removed.

        They are written where as many were cut as the text has.
        """
        wanted: dict[Path, np.ndarray] = {}
        if entry.done and len(cut) == self.length:
            for place, (label, character) in enumerate(zip(entry.typed, cut, strict=True)):
                path = self.folder / CHARACTERS / label / f"{name}-{place}.png"
                wanted[path] = character
        for label in self.alphabet:
            for place in range(self.length):
                path = self.folder / CHARACTERS / label / f"{name}-{place}.png"
                if path not in wanted:
                    path.unlink(missing_ok=True)
        for path, character in wanted.items():
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                _files.write_bytes(path, encode_png(character))


def require_alphabet(alphabet: Sequence[str]) -> None:
    """Raise unless characters are letters and digits, each once: folders are named by them."""
    if not alphabet or not "".join(alphabet).isalnum() or len({*alphabet}) < len(alphabet):
        raise SightkitError(
            "An alphabet must have letters and digits, each once.",
            "For example --alphabet 123456789.",
            alphabet="".join(alphabet),
        )
