"""Pictures with sentences: drawn scenes or COCO's captions, divided; and words as numbers."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from sightkit import _schema, io
from sightkit._errors import SightkitError, few
from sightkit._regular_file import read_regular_file
from sightkit.apps.generative.scenes import all_sentences, scene

SPLITS = ("train", "val", "test")
TESTED, VALIDATED = 0.2, 0.1
"""Share of the sentences, or of the pictures, that are tested; that choices are made by."""
FEWEST = 10
MOST_BYTES = 2**30
NONE, BEGIN, END, UNKNOWN = range(4)
"""Numbers of no word: after the end, before the first, the end, a word that is not known."""
MARKS = ("", "<begin>", "<end>", "<unknown>")


@dataclass(frozen=True)
class CaptionedPictures:
    """Pictures, read when they are needed, with the sentences of each.

    Attributes:
        read: position to picture, uint8 (H, W, 3) RGB.
        sentences: of each picture one or more, in words of small letters.
        identity: hash of what they are.
    """

    read: Callable[[int], np.ndarray]
    sentences: tuple[tuple[str, ...], ...]
    identity: str

    def __len__(self) -> int:
        return len(self.sentences)

    def take(self, rows: Sequence[int]) -> CaptionedPictures:
        """Return some of them, by position."""
        read = self.read
        return CaptionedPictures(
            lambda k: read(rows[k]), tuple(self.sentences[k] for k in rows),
            f"{self.identity} {hashlib.sha256(repr(list(rows)).encode()).hexdigest()}",
        )  # fmt: skip


class CocoImage(TypedDict):
    """An entry of COCO's list of images; others are passed over."""

    id: int
    file_name: str


class CocoCaption(TypedDict):
    """An entry of COCO's list of annotations."""

    image_id: int
    caption: str


class CocoCaptions(TypedDict):
    """COCO's captions_*.json."""

    images: list[CocoImage]
    annotations: list[CocoCaption]


@dataclass(frozen=True)
class Vocabulary:
    """Words as numbers: 0 to 3 are ``MARKS``, then the words by how often they occur.

    Attributes:
        words: in the order of their numbers, from 4 on.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Iterable[str], least: int = 1) -> Vocabulary:
        """Return the words that occur at least so often."""
        counts = Counter(word for sentence in sentences for word in sentence.split())
        return cls(tuple(word for word, n in sorted(counts.items(), key=lambda p: (-p[1], p[0]))
                         if n >= least))  # fmt: skip

    def __len__(self) -> int:
        return len(MARKS) + len(self.words)

    def encode(self, sentence: str, length: int) -> np.ndarray:
        """Return int64 (length,): words, the end, then 0; a sentence that is too long is cut."""
        numbers = {word: len(MARKS) + k for k, word in enumerate(self.words)}
        found = [numbers.get(word, UNKNOWN) for word in sentence.split()][: length - 1]
        return np.array([*found, END, *[NONE] * (length - 1 - len(found))], np.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the words up to the end."""
        words = []
        for number in numbers:
            if number in (NONE, END):
                break
            words.append(self.words[number - len(MARKS)] if number >= len(MARKS) else "?")
        return " ".join(words)


def plain_words(text: str) -> str:
    """Return a sentence in small letters, without punctuation marks."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower()))


def made_scenes(count: int, seed: int, sentences: Sequence[str] = ()) -> CaptionedPictures:
    """Return drawn scenes; those of 1,740 sentences take turns.

    Args:
        count: number of pictures.
        seed: of the drawings.
        sentences: fewer of ``all_sentences``.
    """
    chosen = list(sentences or all_sentences())
    captions = tuple((chosen[k % len(chosen)],) for k in range(count))
    identity = hashlib.sha256(repr((count, seed, chosen)).encode()).hexdigest()
    return CaptionedPictures(lambda k: scene(captions[k][0], seed, k), captions, identity)


def read_coco_captions(
    file: str | os.PathLike[str], images: str | os.PathLike[str]
) -> CaptionedPictures:
    """Read captions as COCO has them, and look for their pictures.

    Args:
        file: captions_*.json.
        images: folder of the pictures.

    Returns:
        The pictures that have a caption, by file name.

    Raises:
        SightkitError: another form, a caption of an unknown picture or without words, pictures that
            are missing, or too few.
    """
    try:
        found: Any = _schema.parse(read_regular_file(file, MOST_BYTES), CocoCaptions, more=True)
    except (OSError, ValueError) as error:
        raise SightkitError(
            f"Captions must be a JSON file as COCO has them: {error}.",
            "Give COCO's captions_*.json.",
            file=str(file),
        ) from error
    files = {each["id"]: each["file_name"] for each in found["images"]}
    captions: dict[str, list[str]] = {}
    wrong = []
    for each in found["annotations"]:
        words = plain_words(each["caption"])
        name = files.get(each["image_id"])
        if name is None or not words or Path(name).name != name:
            wrong.append(f"image {each['image_id']}: {each['caption']!r}")
        else:
            captions.setdefault(name, []).append(words)
    paths = [Path(images) / name for name in sorted(captions)]
    wrong += [f"{path.name} is missing" for path in paths if not path.is_file()]
    if wrong or len(paths) < FEWEST:
        raise SightkitError(
            f"Each caption must have words and a picture, at least {FEWEST} of them: {few(wrong)}.",
            "Look at these entries, and at --images.",
            file=str(file),
            faults=len(wrong),
            pictures=len(paths),
        )
    identity = hashlib.sha256(repr(sorted(captions.items())).encode()).hexdigest()
    sentences = tuple(tuple(captions[path.name]) for path in paths)
    return CaptionedPictures(lambda k: io.read_image(paths[k]), sentences, identity)


def divide(pictures: CaptionedPictures) -> dict[str, CaptionedPictures]:
    """Divide pictures by the hash of their first sentence: no sentence is in two splits.

    Raises:
        SightkitError: too few sentences for three splits.
    """
    first = [sentences[0] for sentences in pictures.sentences]
    order = sorted({*first}, key=lambda text: hashlib.sha256(text.encode()).digest())
    ends = np.cumsum([round(TESTED * len(order)), round(VALIDATED * len(order))])
    place = {text: "test" if k < ends[0] else "val" if k < ends[1] else "train"
             for k, text in enumerate(order)}  # fmt: skip
    rows = {split: [k for k, text in enumerate(first) if place[text] == split] for split in SPLITS}
    if not all(rows.values()):
        raise SightkitError(
            "There must be sentences for training, validation and test.",
            "Add pictures with other sentences.",
            sentences=len(order),
        )
    return {split: pictures.take(rows[split]) for split in SPLITS}
