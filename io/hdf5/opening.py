"""What is there in place of a dataset file."""

from __future__ import annotations

from pathlib import Path

import h5py

from sightkit._errors import SightkitError


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
        with open(path, "rb") as file:
            begins_as_list = file.read(1) == b"{"  # of shards, in JSON
    except OSError as error:
        raise SightkitError(
            f"The file cannot be read ({error.strerror}).", "Check its rights.", path=str(path)
        ) from error
    if not begins_as_list and not h5py.is_hdf5(path):
        raise SightkitError(
            "The file is no HDF5 dataset.",
            "Check the path; scripts/build_*.py write such files.",
            path=str(path),
        )
