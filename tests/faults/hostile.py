"""Trials of hostile and damaged files: what is done to a sound one, and whether it ended right."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("trials.py")
MOST_SECONDS, MOST_MEGABYTES, MOST_CHARACTERS = 1.0, 100, 40_000
LIMIT = 60
"""Seconds after which a trial has hung."""
Change = Callable[[Path], Any]
Changes = dict[str, Change]
"""What is done to a sound file or folder, by name."""


class Trials:
    """The parent of the trials; see ``trials.py``."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.server = subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, job: str, path: Path) -> dict[str, Any]:
        request = {"job": job, "path": str(path), "scratch": str(self.scratch), "limit": LIMIT}
        print(json.dumps(request), file=self.server.stdin, flush=True)
        return json.loads(self.server.stdout.readline())

    def make(self, kind: str) -> Path:
        """Return the sound file or folder of a kind; it is made once."""
        path = self.scratch / f"sound-{kind}"
        if not path.exists():
            made = self.run(f"make {kind}", path)
            assert made["outcome"] == "answered", made
        return path

    def close(self) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()


@dataclass
class Table:
    """Outcomes by class, for the summary of the tests."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{'class':<44}{'tries':>6}{'refused':>9}{'harmless':>9}{'wrong':>6}"]
        for name, found in self.rows.items():
            counts = (sum(found.values()), found["refused"], found["harmless"], found["wrong"])
            lines.append(f"{name:<44}{counts[0]:>6}{counts[1]:>9}{counts[2]:>9}{counts[3]:>6}")
        return "\n".join(lines)


TABLE = Table()


def attack(
    name: str,
    trials: Trials,
    job: str,
    sound: Path,
    changes: Mapping[str, Change],
    inside: str = "",
    measured: Change = lambda path: None,
) -> None:
    """Try each change on a copy of what is sound, and expect that none ends wrong.

    Right is a refusal by ``SightkitError``, or the answer of the sound file. Neither may take 100
    MB or a second of the processor more than the sound one does.

    Args:
        name: of the class, for the table.
        trials: the parent.
        job: that reads it.
        sound: file or folder.
        changes: by name.
        inside: path of what is changed in the folder.
        measured: what is done to the sound one whose time and memory are the measure.
    """
    copied = trials.scratch / "copy" / sound.name
    for _ in range(2):  # the first has what is read once
        _copy(sound, copied)
        measured(copied / inside)
        usual = trials.run(job, copied)
    assert usual["outcome"] == "answered", usual
    found = TABLE.rows.setdefault(name, Counter())
    wrong = {}
    for label, change in changes.items():
        _copy(sound, copied)
        change(copied / inside)
        seen = trials.run(job, copied)
        text = _fault(seen, usual)
        kind = "harmless" if seen["outcome"] == "answered" else "refused"
        found["wrong" if text else kind] += 1
        if text:
            wrong[label] = text
        elif os.environ.get("SHOW"):
            print(f"{label}: {seen['outcome']} {str(seen['text'])[:230]}")
    print(name, dict(found), flush=True)
    assert not wrong, f"{len(wrong)} of {len(changes)}:\n" + "\n".join(
        f"{label}: {text}" for label, text in wrong.items()
    )


def _fault(seen: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """Return what is wrong with an outcome; empty where it is right."""
    if seen["outcome"] not in ("answered", "refused"):
        return f"{seen['outcome']}: {seen['text']}"
    if seen["outcome"] == "answered" and seen["text"] != usual["text"]:
        return f"another answer: {str(seen['text'])[:100]}"
    if "Traceback" in seen["said"] or len(str(seen["text"])) > MOST_CHARACTERS:
        return f"said: {seen['said'][-1000:]} {str(seen['text'])[:1000]}"
    if seen["seconds"] > usual["seconds"] + MOST_SECONDS:
        return f"{seen['seconds']:.1f} s ({seen['text']})"
    if seen["megabytes"] > usual["megabytes"] + MOST_MEGABYTES:
        return f"{seen['megabytes']:.0f} MB, not {usual['megabytes']:.0f} ({seen['text']})"
    return ""


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target.parent, ignore_errors=True)
    target.parent.mkdir()
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def few(changes: Changes, *names: str) -> Changes:
    """Return some of the changes, by name."""
    return {name: changes[name] for name in names}


def replaced(content: bytes) -> Change:
    return lambda path: path.write_bytes(content)


def bit_flips(count: int, seed: int = 0, first: int = 0) -> Changes:
    """Flip a bit anywhere, so many times."""

    def flip(number: int) -> Change:
        def change(path: Path) -> None:
            content = bytearray(path.read_bytes())
            draw = random.Random(seed * 1_000_003 + number)
            content[draw.randrange(first, len(content))] ^= 1 << draw.randrange(8)
            path.write_bytes(content)

        return change

    return {f"bit {seed}/{number}": flip(number) for number in range(count)}


def damages(count: int, seed: int = 1) -> Changes:
    """Cut a file, or overwrite a part of it, so many times."""

    def damage(number: int) -> Change:
        def change(path: Path) -> None:
            content = bytearray(path.read_bytes())
            draw = random.Random(seed * 1_000_003 + number)
            at, size = draw.randrange(len(content)), draw.choice((1, 8, 64, 4096))
            if number % 3 == 0:
                del content[at:]
            elif number % 3 == 1:
                content[at : at + size] = bytes(len(content[at : at + size]))
            else:
                content[at : at + size] = draw.randbytes(len(content[at : at + size]))
            path.write_bytes(content)

        return change

    return {f"damage {seed}/{number}": damage(number) for number in range(count)}


class Marker:
    """What a pickle would call, were it read."""

    def __reduce__(self) -> Any:
        return os.system, ("echo Traceback: a pickle was read >&2",)


def other_files(ending: str = "") -> Changes:
    """Something else in the place of a file."""

    def fifo(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    def folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    def link(target: str) -> Change:
        def change(path: Path) -> None:
            path.unlink()
            path.symlink_to(target)

        return change

    def sparse(path: Path) -> None:
        with open(path, "r+b") as file:
            file.truncate(2**26)

    def behind(path: Path) -> None:
        os.mkfifo(path.with_name("pipe"))
        link("pipe")(path)

    return {
        "empty": replaced(b""),
        "one byte": replaced(b"\0"),
        "text": replaced(b"<html>log in</html>"),
        "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
        "pickle": replaced(pickle.dumps(Marker())),
        "zip": replaced(b"PK\x03\x04" + bytes(40)),
        "hdf5 head": replaced(b"\x89HDF\r\n\x1a\n" + bytes(90)),
        "npy head": replaced(b"\x93NUMPY\x01\0v\0{'descr': '<f8'}"),
        "fifo": fifo,
        "fifo behind a link": behind,
        "folder": folder,
        "missing": lambda path: path.unlink(),
        "link to nothing": link("nowhere"),
        "link to itself": lambda path: link(path.name)(path),
        "link to zeros without end": link("/dev/zero"),
        "link to a device": link("/dev/stdin"),
        "sparse": sparse,
    }
