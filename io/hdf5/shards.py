"""A dataset in several files: the shards, each a dataset file of its own, and the list of them.

The list is JSON beside them: format, schema, the identity of the whole, and of each shard its file,
rows and identity. All else is what the shards say. Rows count split by split, in each the shards in
turn: first the training rows of all of them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
from annotated_types import MinLen
from typing_extensions import TypedDict

from sightkit import _files, _schema
from sightkit._errors import SightkitError
from sightkit._schema import Count, Name, Sha256
from sightkit.io.hdf5.file import DatasetFile, stamp_of
from sightkit.io.hdf5.sharded_rows import ShardedRows

FORMAT, SCHEMA, ENDING = "sightkit-shards", 1, ".shards"
OF_A_SHARD = ("shard", "left_out", "place")
"""Keys of a recipe in which the shards of one dataset differ."""
AGAIN = "Give the command that built it once more: it builds what is missing."


class Shard(TypedDict):
    """One file of the list."""

    file: Name
    rows: Count
    sha256: Sha256


class ShardList(TypedDict):
    """The list."""

    format: Literal["sightkit-shards"]
    schema: Literal[1]
    sha256: Sha256
    shards: Annotated[list[Shard], MinLen(1)]


@dataclass(frozen=True, repr=False)
class ShardedFile(DatasetFile):
    """A dataset in several files, which is read as one; ``DatasetFile.open`` makes it of a list.

    Attributes:
        path: the list.
        sha256: of the identities of the shards.
        shards: the files, in turn.
    """

    shards: tuple[DatasetFile, ...] = ()

    @classmethod
    def of(cls, path: Path, key: str = "") -> ShardedFile:
        """Open a list and all of its shards; see ``DatasetFile.open``.

        Raises:
            SightkitError: a shard that is missing, damaged or another one; a list that is no list.
        """
        before = stamp_of(path)
        listed = read_list_of(path)
        shards = tuple(_open(path, each) for each in listed["shards"])
        for shard in shards[1:]:
            if _common(shard) != _common(shards[0]):
                raise _damaged(path, "two shards are of different datasets", shard.path)
        first = shards[0]
        if key not in ("", first.data_key):
            rule = f"The rows of the shards are called {first.data_key}."
            raise SightkitError(rule, "Leave it out.", key=key, path=str(path))
        names = list(dict.fromkeys(name for shard in shards for name in shard.splits))
        ends = np.cumsum([0] + [_count(shards, name) for name in names]).tolist()
        counts = [_count([shard], names[0]) for shard in shards]
        groups = [shard.groups for shard in shards if shard.groups is not None]
        return cls(
            path=path,
            data_key=first.data_key,
            shape=(ends[-1], *first.shape[1:]),
            dtype=first.dtype,
            offset=0,
            class_names=first.class_names,
            labels=_in_order(shards, names, [shard.labels for shard in shards]),
            groups=_in_order(shards, names, groups) if groups else None,
            splits=dict(zip(names, itertools.pairwise(ends), strict=True)),
            colour=first.colour,
            preprocessing=first.preprocessing,
            recipe=_recipe(shards),
            mean=np.average([shard.mean for shard in shards], axis=0, weights=counts),
            sha256=listed["sha256"],
            origins_sha256=_identity([shard.origins_sha256 for shard in shards]),
            stamp=before,
            shards=shards,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """The shards."""
        return tuple(shard.path for shard in self.shards)

    def hashes(self) -> np.ndarray:
        """SHA-256 of the bytes of each row as it was written: uint8 (N, 32)."""
        return self._in_order([shard.hashes() for shard in self.shards])

    def memmap(self) -> Any:
        """Map the rows of all shards, read-only; what is indexed is copied, save within a shard.

        Raises:
            SightkitError: a shard is gone, or is no longer the one that was opened.
        """
        parts = [np.asarray(shard.memmap()) for shard in self.shards]
        return ShardedRows(_pieces(self.shards, list(self.splits), parts))

    def _origins(self) -> tuple[tuple[str, ...], np.ndarray | None]:
        origins = [shard._origins() for shard in self.shards]
        sources = self._in_order([np.array(each, object) for each, _ in origins])
        known = [each for _, each in origins if each is not None]
        originals = self._in_order(known) if len(known) == len(origins) else None
        return tuple(sources.tolist()), originals

    def _in_order(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        return _in_order(self.shards, list(self.splits), columns)

    def places(self) -> np.ndarray:
        """Number of the shard that holds each row: int (N,)."""
        return self._in_order([np.full(len(s.labels), k) for k, s in enumerate(self.shards)])

    def _changed(self, rows: np.ndarray) -> SightkitError:
        found = [self.files[number].name for number in np.unique(self.places()[rows])]
        return SightkitError(
            f"A shard is damaged: {len(rows)} of the rows just read are not what was written.",
            f"Delete it. {AGAIN}",
            first=self.sources()[rows[0]],
            shards=found,
            path=str(self.path),
        )


def shard_path(path: Path, number: int, count: int) -> Path:
    """The file of a shard: ``dataset-00000-of-00128.h5`` of ``dataset.shards``."""
    return path.with_name(f"{path.stem}-{number:05d}-of-{count:05d}.h5")


def write_list_of(path: Path, shards: Sequence[DatasetFile]) -> None:
    """Write the list of some shards, which are beside it, atomically."""
    listed: ShardList = {
        "format": FORMAT,
        "schema": SCHEMA,
        "sha256": _identity([shard.sha256 for shard in shards]),
        "shards": [
            {"file": shard.path.name, "rows": len(shard.labels), "sha256": shard.sha256}
            for shard in shards
        ],
    }
    _files.write_json(path, listed)


def read_list_of(path: Path) -> ShardList:
    """Read a list of shards; they need not be there."""
    step = f"Check the path; a list of shards that is damaged is written anew: delete it. {AGAIN}"
    listed = _schema.read(path, ShardList, step)
    if listed["sha256"] != _identity([each["sha256"] for each in listed["shards"]]):
        raise _damaged(path, "its identity is not that of its shards")
    return listed


def _open(path: Path, listed: Shard) -> DatasetFile:
    """Open a shard that a list names, if it is that shard."""
    name = listed["file"]
    if Path(name).name != name or name in (".", ".."):
        raise _damaged(path, "a shard is not beside it", Path(name))
    place = path.with_name(name)
    if not place.is_file():
        raise SightkitError(
            "Every shard of a dataset must be there, beside its list.",
            f"Fetch it, or build it: {AGAIN[0].lower()}{AGAIN[1:]}",
            shard=str(place),
            path=str(path),
        )
    shard = DatasetFile.open(place) if h5py.is_hdf5(place) else None
    if shard is None or (shard.sha256, len(shard.labels)) != (listed["sha256"], listed["rows"]):
        raise SightkitError(
            "A shard is not the one that the list of the dataset names.",
            f"Fetch that one, or delete this one. {AGAIN}",
            shard=str(place),
            path=str(path),
        )
    return shard


def _damaged(path: Path, reason: str, shard: Path | None = None) -> SightkitError:
    received = {} if shard is None else {"shard": str(shard)}
    rule = f"The list of the shards is damaged: {reason}."
    return SightkitError(rule, f"Delete it. {AGAIN}", **received, path=str(path))


def _identity(hashes: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(hashes)).encode()).hexdigest()


def _common(shard: DatasetFile) -> tuple[Any, ...]:
    """What all shards of a dataset have in common."""
    recipe = {name: value for name, value in shard.recipe.items() if name not in OF_A_SHARD}
    kind = (shard.data_key, shard.shape[1:], shard.dtype, shard.colour, shard.groups is None)
    return kind, shard.class_names, shard.preprocessing, recipe, len(shard.mean)


def _recipe(shards: Sequence[DatasetFile]) -> dict[str, Any]:
    recipe = {name: value for name, value in shards[0].recipe.items() if name not in OF_A_SHARD}
    left_out: dict[str, int] = {}
    for shard in shards:
        for reason, count in shard.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + count
    return {**recipe, "left_out": left_out}


def _count(shards: Sequence[DatasetFile], name: str) -> int:
    return sum(last - first for first, last in (s.splits.get(name, (0, 0)) for s in shards))


def _pieces(
    shards: Sequence[DatasetFile], names: Sequence[str], columns: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Cut what each shard has of its rows into its splits: those of a split follow each other."""
    return [
        column[slice(*shard.splits[name])]
        for name in names
        for shard, column in zip(shards, columns, strict=True)
        if name in shard.splits
    ]


def _in_order(
    shards: Sequence[DatasetFile], names: Sequence[str], columns: Sequence[np.ndarray]
) -> np.ndarray:
    return np.concatenate(_pieces(shards, names, columns))
