"""A bundle from the hub: its files and no others, checked before they take their place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sightkit import _files, _folders, _output_folder, training
from sightkit._errors import SightkitError, few
from sightkit._schema import MOST_BYTES as MOST_BYTES_OF_A_DESCRIPTION
from sightkit.apps.deploy.hub_client import SECONDS, open_hub, require_repository
from sightkit.apps.deploy.hub_files import files_of, load_any
from sightkit.training.bundle_format import AGAIN, DESCRIPTION, FORMAT, read_description

MOST_BYTES = 2**32
"""Of a bundle; that of VGG16 takes 0.6 GB."""
STEP = "Give --revision with another commit, or tell its owner."


def pull_bundle(
    repository: str,
    folder: str | os.PathLike[str],
    *,
    revision: str | None = None,
    overwrite: bool = False,
    endpoint: str | None = None,
) -> str:
    """Fetch a bundle from the hub into a folder, once its hashes and its canary are checked.

    bundle.json is fetched and checked first, then the files that a bundle of its kind has, all of
    one commit, and nothing else: no code, and no file that the repository names. Where anything is
    wrong, nothing is left.

    Args:
        repository: ``OWNER/NAME``.
        folder: of the bundle, new or empty.
        revision: branch, tag or commit; the main branch by default.
        overwrite: replace a bundle in ``folder``.
        endpoint: address of the hub; that of HF_ENDPOINT, or huggingface.co, by default.

    Returns:
        The commit that was fetched.

    Raises:
        SightkitError: no such repository or revision, no access, no network, no bundle or one of an
            unknown kind, files that are missing, too large or not those that were saved, another
            answer to the canary, a disk without room, or a folder that holds something.
    """
    require_repository(repository)
    folder = training.check_place(folder)
    _output_folder.require_new(folder, DESCRIPTION, FORMAT, overwrite=overwrite)
    temporary = _files.partial_of(_files.existing_parent(folder.parent) / folder.name)
    named = {} if revision is None else {"revision": revision}
    try:
        with open_hub(repository, endpoint, **named) as hub:
            found = hub.model_info(
                repository, revision=revision, files_metadata=True, timeout=SECONDS
            )
            sizes = {each.rfilename: each.size for each in found.siblings or ()}
            commit = str(found.sha)
            origin = f"{repository}@{commit}"
            _require_files(origin, sizes, [DESCRIPTION], MOST_BYTES_OF_A_DESCRIPTION)
            temporary.mkdir()
            hub.hf_hub_download(repository, DESCRIPTION, revision=commit, local_dir=temporary)
            with _named(origin, temporary):
                description = read_description(temporary)
                names = files_of(description)
            total = _require_files(origin, sizes, names, MOST_BYTES)
            _files.require_free_space(temporary.parent, total, "the bundle")
            for name in names[1:]:
                hub.hf_hub_download(repository, name, revision=commit, local_dir=temporary)
        _files.remove(temporary / ".cache")  # the client's notes
        with _named(origin, temporary):
            load_any(temporary, description)
        for path in temporary.iterdir():
            _files.sync(path)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _folders.replace(temporary, folder)
    finally:
        _files.remove(temporary)
    return commit


def _require_files(
    origin: str, sizes: Mapping[str, int | None], names: Sequence[str], most: int
) -> int:
    """Return the bytes of files together; raise where one is missing or they are too large."""
    if missing := [name for name in names if sizes.get(name) is None]:
        raise SightkitError(
            "The repository of a bundle must hold all of its files.",
            STEP,
            bundle=origin,
            missing=few(missing),
        )
    total = sum(sizes[name] or 0 for name in names)
    if total > most:
        raise SightkitError(
            f"{few(names)} may have {most:,} bytes.", STEP, bundle=origin, bytes=total
        )
    return total


@contextlib.contextmanager
def _named(origin: str, folder: Path) -> Iterator[None]:
    """Name the repository, not the temporary folder, in errors about a bundle."""
    try:
        yield
    except SightkitError as error:
        rule, step = error.args
        error.args = (rule, STEP if step in ("", AGAIN) else step)
        error._values = error._values.replace(str(folder), origin)
        raise
