"""What is done to HDF5 files, and to files of NumPy, in the place of sound arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hostile import Change, Changes

TEXT = h5py.string_dtype()


def edited(edit: Callable[[h5py.File], Any]) -> Change:
    """Return a change that is made in an open HDF5 file."""

    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            edit(file)

    return change


def instead(name: str, make: Callable[[h5py.Group, str], Any]) -> Change:
    """Return a change that puts something else in the place of an object."""

    def edit(file: h5py.File) -> None:
        owner = file[name].parent
        last = name.rpartition("/")[2]
        del owner[last]
        make(owner, last)

    return edited(edit)


def array(value: Any, **options: Any) -> Callable[[h5py.Group, str], Any]:
    """Return what makes a dataset."""
    return lambda owner, name: owner.create_dataset(name, data=value, **options)


def amplified(owner: h5py.Group, name: str, size: int = 1_000_000, count: int = 3_000) -> None:
    """Make a dataset whose every text is one and the same in the file."""
    dataset = owner.create_dataset(name, (count,), TEXT)
    dataset[0] = "x" * size
    path = Path(owner.file.filename)
    owner.file.flush()
    start = dataset.id.get_offset()
    with open(path, "r+b") as raw:
        raw.seek(start)
        reference = raw.read(16)
        raw.seek(start)
        raw.write(reference * count)


def amplify(name: str, **sizes: int) -> Change:
    """Return a change that puts ``amplified`` texts in the place of a dataset."""

    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            if name in file:
                del file[name]
            amplified(file[name.rpartition("/")[0] or "/"], name.rpartition("/")[2], **sizes)

    return change


def _outside(owner: h5py.Group, name: str) -> None:
    owner.create_dataset(name, (8,), "f4", external=[("/etc/passwd", 0, 32)])


def _virtual(owner: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((2**20,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (2**20,))
    owner.create_virtual_dataset(name, layout)


def _bomb(owner: h5py.Group, name: str) -> None:
    side = 150_000_000
    owner.create_dataset(name, (side,), "u1", chunks=(side,), compression="gzip")[:1] = 1


def _many(file: h5py.File) -> None:
    file.create_dataset("one", data=1.0)
    for number in range(60_000):
        file[f"many/{number}"] = file["one"]


def _wide(file: h5py.File) -> None:
    for number in range(51_000):
        file.create_group(f"wide/{number}")


def _deep(depth: int) -> Change:
    def edit(file: h5py.File) -> None:
        group = file
        for _ in range(depth):
            group = group.create_group("g")

    return edited(edit)


def objects(name: str) -> Changes:
    """Return what may stand in the place of a dataset, or beside it."""
    kinds: dict[str, Any] = {
        "float64": np.ones((2, 3)),
        "float16": np.ones((2, 3), "f2"),
        "int64": np.ones((2, 3), np.int64),
        "uint8": np.ones((2, 3), "u1"),
        "complex": np.ones((2, 3), "c8"),
        "bool": np.ones((2, 3), bool),
        "big endian": np.ones((2, 3), ">f4"),
        "scalar": np.float32(1),
        "none": h5py.Empty("f4"),
        "no rows": np.ones((0, 3), "f4"),
        "dimensions": np.ones((1,) * 30, "f4"),
        "bytes": np.array([b"ab", b"cd"]),
        "text": "x",
        "compound": np.zeros(3, [("a", "f4"), ("b", "i8")]),
        "void": np.zeros(3, "V16"),
        "not finite": np.full((2, 3), np.nan, "f4"),
    }
    changes = {f"{kind} in place": instead(name, array(value)) for kind, value in kinds.items()}
    cases: dict[str, Callable[[h5py.Group, str], Any]] = {
        "texts": array(["a", "b"], dtype=TEXT),
        "references": lambda own, key: own.create_dataset(key, data=own.ref, dtype=h5py.ref_dtype),
        "lists of lengths": lambda own, key: own.create_dataset(
            key, (3,), h5py.vlen_dtype(np.int64)
        ),
        "enum": lambda own, key: own.create_dataset(key, (3,), h5py.enum_dtype({"a": 1})),
        "group": lambda own, key: own.create_group(key),
        "named type": lambda own, key: own.__setitem__(key, np.dtype("f4")),
        "soft link": lambda own, key: own.__setitem__(key, h5py.SoftLink("/")),
        "dead link": lambda own, key: own.__setitem__(key, h5py.SoftLink("/nowhere")),
        "external link": lambda own, key: own.__setitem__(
            key, h5py.ExternalLink("/etc/other.h5", "/x")
        ),
        "hard loop": lambda own, key: own.__setitem__(key, own),
        "stored outside": _outside,
        "virtual": _virtual,
        "40 GB declared": lambda own, key: own.create_dataset(key, (10**10,), "f4", chunks=True),
        "10^18 declared": lambda own, key: own.create_dataset(key, (10**18,), "u1", chunks=True),
        "chunk bomb": _bomb,
    }
    changes |= {f"{kind} in place": instead(name, make) for kind, make in cases.items()}
    beside = ("soft link", "external link", "hard loop", "stored outside", "chunk bomb", "texts")
    changes |= {f"{each} beside": edited(lambda file, each=each: cases[each](file, "beside"))
                for each in beside}  # fmt: skip
    return changes | {
        "many names of one": edited(_many),
        "many groups": edited(_wide),
        "deep groups": _deep(60),
        "very deep groups": _deep(3_000),
        "4 GB in eight": edited(
            lambda file: [
                file.create_dataset(f"empty/{number}", (2**27,), "f4", chunks=(1024,))
                for number in range(8)
            ]
        ),
        "a text of a megabyte, often": amplify("beside"),
        "loop below": edited(lambda file: file.create_group("a/b").__setitem__("c", file["a"])),
        "loop to the root": edited(lambda file: file.__setitem__("root", file["/"])),
        "attribute of references": edited(
            lambda file: file.attrs.create("a", file.ref, dtype=h5py.ref_dtype)
        ),
        "attribute of bytes": edited(lambda file: file.attrs.__setitem__("a", np.void(b"ab"))),
        "name of bytes": edited(lambda file: file.create_group(b"\xff\xfe")),
        "name with a newline": edited(lambda file: file.create_group("a\nb\x1b[2J")),
        "long name": edited(lambda file: file.create_group("n" * 5_000)),
        "user block": _user_block,
    }


def _user_block(path: Path) -> None:
    other = path.with_name("other.h5")
    with h5py.File(path) as source, h5py.File(other, "w", userblock_size=512) as target:
        for key in source:
            source.copy(key, target)
        for key, value in source.attrs.items():
            target.attrs[key] = value
    os.replace(other, path)
