"""Annotate captchas key by key: what is proposed, and what a key does; each is saved at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._locks import FileLock
from sightkit.apps.captcha.annotation_files import AnnotationFiles, Entry
from sightkit.apps.captcha.character_reader import CharacterReader, Reading
from sightkit.apps.captcha.characters import cut_characters
from sightkit.apps.captcha.labels import read_captchas

LOCK = ".annotation.lock"
CONFIRM, BACK, LATER, LEFT, RIGHT = "Enter", "Backspace", "Tab", "ArrowLeft", "ArrowRight"
"""Keys beside those of the alphabet, as browsers name them."""


@dataclass
class Annotation:
    """The annotation of a folder of captchas; one at a time uses its folder of labels (a lock).

    Attributes:
        folder: of the labels; it exists.
        paths: name to file of the captchas.
        images: name to uint8 RGB (H, W, 3).
        alphabet: characters that texts have.
        length: characters of a text.
        readings: name to what a network reads; may be empty.

    Raises:
        SightkitError: an alphabet that is no letters and digits, a folder of another alphabet or
            length, or a captcha that has changed since it was labelled.
    """

    folder: Path
    paths: Mapping[str, Path]
    images: Mapping[str, np.ndarray]
    alphabet: str
    length: int
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._files = AnnotationFiles(self.folder, self.alphabet, self.length)
        self._lock = threading.Lock()
        self.cut = {name: cut_characters(each, self.length) for name, each in self.images.items()}
        self._entries = {
            name: Entry(_files.sha256(path), [""] * self.length, self._first_place(name))
            for name, path in self.paths.items()
        }
        self._files.resume(self._entries)
        self._order = sorted(self._entries, key=lambda name: (self._certainty(name), name))
        self._finished = [name for name in self._order if self._entries[name].done]
        for name in self._order:
            self._write_characters(name)
        self._files.save(self._entries)
        self._current = self._next()

    def state(self) -> dict[str, Any]:
        """Return what the page shows: the captcha, its proposal and the counts, as JSON."""
        with self._lock:
            return {**self._counts(), "captcha": self._shown(self._current)}

    def press(self, name: str, key: str) -> dict[str, Any]:
        """Take a key, save, and return the new state.

        Args:
            name: captcha that the key was pressed for; another than the current one is no error,
                and nothing happens: the page was old.
            key: a character of the alphabet, in small letters or large; ``Enter`` confirms the
                text, ``Backspace`` takes a character back, or the label before, arrows move,
                ``Tab`` puts the captcha off.

        Raises:
            SightkitError: a key that is none of these.
        """
        characters = {*self.alphabet}
        key = key.upper() if key not in characters and key.upper() in characters else key
        if key not in {*characters, CONFIRM, BACK, LATER, LEFT, RIGHT}:
            raise SightkitError(
                "A key must be a character of the alphabet, Enter, Backspace, Tab or an arrow.",
                "Press one of these.",
                key=key[:20],
                alphabet=self.alphabet,
            )
        with self._lock:
            if name == (self._current or ""):
                self._take(name, key)
                self._files.save(self._entries)
            return {**self._counts(), "captcha": self._shown(self._current)}

    def summary(self) -> dict[str, Any]:
        """Return the counts: ``labelled``, ``left``, ``keys_a_label``, ``cut_wrongly``."""
        with self._lock:
            return self._counts()

    def _take(self, name: str, key: str) -> None:
        if not name:  # all are labelled: only the last label can be taken back
            if key == BACK and self._finished:
                self._reopen(self._finished[-1])
            return
        entry = self._entries[name]
        entry.keys += 1
        last = self.length - 1
        if key == LATER:
            entry.typed = [""] * self.length
            self._order.remove(name)
            self._order.append(name)
            self._current = self._next()
        elif key == CONFIRM:
            if len(text := self._text(name)) == self.length:
                self._finish(name, text)
        elif key == BACK and not any(entry.typed):
            if self._finished:
                self._reopen(self._finished[-1])
        elif key == BACK:
            if not entry.typed[entry.place] and entry.place:
                entry.place -= 1
            entry.typed[entry.place] = ""
        elif key in (LEFT, RIGHT):
            entry.place = min(max(entry.place + (1 if key == RIGHT else -1), 0), last)
        else:
            entry.typed[entry.place] = key
            entry.place = min(entry.place + 1, last)
            if all(entry.typed):
                self._finish(name, "".join(entry.typed))

    def _write_characters(self, name: str) -> None:
        self._files.write_characters(name, self._entries[name], self.cut[name])

    def _finish(self, name: str, text: str) -> None:
        entry = self._entries[name]
        entry.typed, entry.done = [*text], True
        self._write_characters(name)
        self._finished.append(name)
        self._current = self._next()

    def _reopen(self, name: str) -> None:
        """Take a label back; its text stays, typed, save the last character."""
        entry = self._entries[name]
        entry.done, entry.place, entry.typed[-1] = False, self.length - 1, ""
        self._write_characters(name)
        self._finished.remove(name)
        self._current = name

    def _proposal(self, name: str) -> Reading | None:
        """Return what the network reads, if it is a text that a label may be."""
        reading = self.readings.get(name)
        if reading is None or len(reading.text) != self.length:
            return None
        return reading if {*reading.text} <= {*self.alphabet} else None

    def _certainty(self, name: str) -> float:
        """Return the probability of the least certain character; 0 without a proposal."""
        reading = self._proposal(name)
        return reading.certainty if reading else 0.0

    def _first_place(self, name: str) -> int:
        """Return the least certain place: where a correction is most likely."""
        reading = self._proposal(name)
        return int(np.argmin(reading.probabilities)) if reading else 0

    def _text(self, name: str) -> str:
        """Return what was typed, and the proposal where nothing was."""
        reading = self._proposal(name)
        proposed = reading.text if reading else [""] * self.length
        return "".join(t or p for t, p in zip(self._entries[name].typed, proposed, strict=True))

    def _next(self) -> str | None:
        """Return the captcha to label next: one that was begun, else the least certain one."""
        left = [name for name in self._order if not self._entries[name].done]
        return next((n for n in left if any(self._entries[n].typed)), next(iter(left), None))

    def _shown(self, name: str | None) -> dict[str, Any] | None:
        if name is None:
            return None
        entry, reading = self._entries[name], self._proposal(name)
        return {
            "name": name,
            "typed": entry.typed,
            "place": entry.place,
            "found": len(self.cut[name]),
            "proposed": reading.text if reading else "",
            "probabilities": [round(p, 4) for p in reading.probabilities] if reading else [],
        }

    def _counts(self) -> dict[str, Any]:
        keys = sum(self._entries[name].keys for name in self._finished)
        odd = sum(len(self.cut[name]) != self.length for name in self._finished)
        return {
            "labelled": len(self._finished),
            "left": len(self._entries) - len(self._finished),
            "keys_a_label": round(keys / len(self._finished), 2) if self._finished else None,
            "cut_wrongly": odd,
        }


@contextlib.contextmanager
def annotating(
    captchas: Path, folder: Path, alphabet: str, length: int, bundle: Path | None = None
) -> Iterator[Annotation]:
    """Open the annotation of a folder of captchas; nobody else can until the block ends.

    Args:
        captchas: folder of the captchas.
        folder: of the labels; it is made.
        alphabet: characters that texts have.
        length: characters of a text.
        bundle: of a network of characters, which proposes labels.

    Raises:
        SightkitError: another process annotates the folder; or as ``read_captchas``,
            ``CharacterReader`` and ``Annotation``.
    """
    paths, images = read_captchas(captchas)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK, f"the labels in {folder.name}"):
        readings = {}
        if bundle is not None:
            read = CharacterReader(bundle, length).read([*images.values()])
            readings = dict(zip(images, read, strict=True))
        yield Annotation(folder, paths, images, alphabet, length, readings)
