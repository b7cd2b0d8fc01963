"""What is done to files of NumPy, in the place of sound arrays."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hostile import Change, Changes, Marker, replaced


def _npy(value: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(value), **options)
    return stream.getvalue()


def _header(text: str) -> bytes:
    encoded = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\0" + len(encoded).to_bytes(2, "little") + encoded


def npy_contents() -> dict[str, bytes]:
    """Return files of an array that nobody has written as that."""
    bad = {
        "huge shape": "{'descr': '<u8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "negative shape": "{'descr': '<u8', 'fortran_order': False, 'shape': (-5,), }",
        "shape of texts": "{'descr': '<u8', 'fortran_order': False, 'shape': ('a',), }",
        "code in the head": "{'descr': __import__('os').system('echo'), 'shape': (1,), }",
        "deep head": "(" * 110,
        "unknown type": "{'descr': '<q99', 'fortran_order': False, 'shape': (1,), }",
        "no shape": "{'descr': '<u8', 'fortran_order': False, }",
        "head no closed": "{'descr': '<u8', 'fortran_order': False, 'shape': (",
        "subarrays": "{'descr': ('<u8', (1000000,)), 'fortran_order': False, 'shape': (10000,), }",
    }
    return {
        **{name: _header(text) + bytes(80) for name, text in bad.items()},
        "objects": _npy(np.array([Marker()], object), allow_pickle=True),
        "two dimensions": _npy(np.ones((4, 4), np.uint64)),
        "scalar": _npy(np.uint64(1)),
        "floats": _npy(np.ones(4)),
        "texts": _npy(np.array(["a", "b"])),
        "structured": _npy(np.zeros(3, [("a", "u8")])),
        "times": _npy(np.array(["2020"], "M8[D]")),
        "more than its head says": _npy(np.ones(4, np.uint64)) + b"more",
        "fewer than its head says": _npy(np.ones(4, np.uint64))[:-1],
        "version 3": _npy(np.ones(4, np.uint64), version=(3, 0)),
        "version 9": b"\x93NUMPY\x09\0" + _npy(np.ones(4, np.uint64))[8:],
        "long head": b"\x93NUMPY\x02\0" + (2**31).to_bytes(4, "little") + b"{" * 1000,
    }


def npy_files() -> Changes:
    return {name: replaced(content) for name, content in npy_contents().items()}


def repacked(
    change: Callable[[dict[str, bytes]], Any], compression: int = zipfile.ZIP_STORED
) -> Change:
    """Return a change of the members of an .npz."""

    def rewrite(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(members)
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return rewrite


def npz_files(member: str) -> Changes:
    """Return what may become of an .npz that holds a member, ``weights.npy`` for example."""

    def overlapping(path: Path) -> None:
        content = path.read_bytes()
        with zipfile.ZipFile(path, "a") as archive:
            archive.filelist.extend(archive.infolist() * 20)
            archive._didModify = True  # type: ignore[attr-defined]
        assert path.read_bytes() != content

    def twice(path: Path) -> None:
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
            archive.writestr(member, archive.read(member))

    def declared(path: Path) -> None:
        content = bytearray(path.read_bytes())
        at = content.rindex(b"PK\x01\x02")
        content[at + 24 : at + 28] = (2**31).to_bytes(4, "little")
        path.write_bytes(content)

    def encrypted(path: Path) -> None:
        content = bytearray(path.read_bytes())
        at = content.index(b"PK\x01\x02")
        content[at + 8] |= 1
        path.write_bytes(content)

    zeros = _npy(np.zeros(2**27 // 8))
    contents = {
        f"{name} as {member}": repacked(lambda own, new=new: own.__setitem__(member, new))
        for name, new in npy_contents().items()
    }
    return contents | {
        "bomb": repacked(lambda own: own.__setitem__(member, zeros), zipfile.ZIP_DEFLATED),
        "bomb beside": repacked(lambda own: own.__setitem__("x.npy", zeros), zipfile.ZIP_DEFLATED),
        "lzma": repacked(lambda own: None, zipfile.ZIP_LZMA),
        "member missing": repacked(lambda own: own.pop(member)),
        "member more": repacked(lambda own: own.__setitem__("x.npy", _npy(np.ones(3)))),
        "member of a path": repacked(lambda own: own.__setitem__("../x.npy", _npy(np.ones(3)))),
        "no members": repacked(lambda own: own.clear()),
        "overlapping": overlapping,
        "twice": twice,
        "2 GB declared": declared,
        "encrypted": encrypted,
        "pickle inside": repacked(lambda own: own.__setitem__("x.pkl", b"cos\nsystem\n(S'x'\ntR.")),
    }


def with_array(name: str, change: Callable[[np.ndarray], Any]) -> Change:
    """Return a change of one array of an .npz."""

    def rewrite(path: Path) -> None:
        with np.load(path) as stored:
            arrays = dict(stored)
        arrays[name] = change(arrays[name])
        np.savez(path, allow_pickle=True, **arrays)  # type: ignore[arg-type]
        if not path.exists():
            path.with_suffix(".npz.npz").rename(path)

    return rewrite
