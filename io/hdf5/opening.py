"""Opening HDF5 files to read: without locks, and after a look at what lies there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from sightkit._errors import SightkitError, few


def check_kind(path: Path) -> None:
    """Raise if there is nothing, a folder, or a file of another kind; those are left alone."""
    if path.is_dir():
        raise SightkitError(
            "A dataset is a file, and this is a folder.",
            "Name a file; scripts/build_folder.py --data FOLDER builds one of images.",
            path=str(path),
        )
    if not path.is_file():
        raise SightkitError(
            "The file must exist.",
            "Check the path; scripts/build_*.py write dataset files, scripts/extract_features.py "
            "files of features.",
            path=str(path),
        )
    try:
        open(path, "rb").close()
    except OSError as error:
        raise SightkitError(
            f"The file cannot be read ({error.strerror}).", "Check its rights.", path=str(path)
        ) from error
    if not h5py.is_hdf5(path):
        raise SightkitError(
            "The file is no HDF5 dataset.",
            "Check the path; scripts/build_*.py write such files.",
            path=str(path),
        )


def open_to_read(path: Path) -> h5py.File:
    """Open an HDF5 file without a lock: it is never written again, and some disks have none.

    A file that is open in this process already, in one's own session, is opened as it is there:
    HDF5 allows nothing else.
    """
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking" not in str(error):
            raise
    try:
        return h5py.File(path, "r")
    except OSError:
        return h5py.File(path, "r", locking=True)


def own_member(group: Any, path: str) -> Any:
    """Return what a path below a group names; ``ValueError`` where a link leads out of the file."""
    for name in path.split("/"):
        if group.get(name, getclass=True, getlink=True) is not h5py.HardLink:
            raise ValueError(f"{path} is a link to somewhere else, or missing")
        group = group[name]
    return group


def own_dataset(group: Any, path: str) -> h5py.Dataset:
    """Return a dataset of this very file, unread; ``ValueError`` for anything else."""
    dataset = own_member(group, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"{path} is no dataset of this file's own")
    if dataset.nbytes > group.file.id.get_filesize():
        raise ValueError(f"{path} declares {dataset.nbytes:,} bytes, more than the file has")
    return dataset


def within(group: str, name: str) -> str:
    """Return the path of what is in a group, which is empty for the file itself."""
    return f"{group}/{name}" if group else name


def group_of(path: Path, file: h5py.File, form: str, key: str) -> str:
    """Return the group that holds a dataset; empty for the file itself.

    Args:
        path: of the file.
        file: opened.
        form: attribute ``format`` of a group that holds one.
        key: path of the rows; empty for those of the file itself.

    Raises:
        SightkitError: no such dataset; those that there are, are named. No link is followed.
    """
    if not key and file.attrs.get("format") == form:
        return ""
    groups: dict[str, Any] = {"": file}
    file.visititems(lambda name, item: groups.update({name: item}) if item.attrs else None)
    keys = {
        within(name, str(group.attrs.get("data_key"))): name
        for name, group in groups.items()
        if group.attrs.get("format") == form
    }
    if key not in keys:
        raise SightkitError(
            "The file must be a dataset that HDF5DatasetWriter wrote"
            + (f"; it holds {few(list(keys))}." if keys else "."),
            (
                *(f'give --key="{each}"' for each in list(keys)[:1]),
                "build it with one of scripts/build_*.py or train_*.py",
            ),
            path=str(path),
            **({"key": key} if key else {}),
        )
    return keys[key]
