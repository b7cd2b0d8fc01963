"""A bundle to the hub: the folder of its repository, and one commit that holds all of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from sightkit import __version__, _files, _output_folder
from sightkit._errors import SightkitError
from sightkit.apps.deploy.hub_card import card
from sightkit.apps.deploy.hub_client import open_hub, require_extra, require_repository
from sightkit.apps.deploy.hub_files import files_of, load_any, write_safetensors
from sightkit.training.bundle_format import check_bundle

README = "README.md"
ABOUT, FORMAT = "repository.json", "sightkit-hub"
"""File that makes a folder one of ``write_repository``, and its format."""


def write_repository(
    bundle: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    repository: str,
    *,
    licence: str = "",
    overwrite: bool = False,
) -> None:
    """Write what ``push_bundle`` uploads into a folder; nothing goes over the network.

    Args:
        bundle: its folder, of any kind.
        folder: new or empty; or written by this function, with ``overwrite``.
        repository: ``OWNER/NAME``, for the text of README.md.
        licence: see ``card``.
        overwrite: replace the folder.

    Raises:
        SightkitError: a damaged bundle, another answer to its canary, or a folder that holds
            something.
    """
    require_repository(repository, licence)
    require_extra()
    folder = Path(folder)
    _output_folder.require_new(folder, ABOUT, FORMAT, overwrite=overwrite)
    with _output_folder.writing(folder, ABOUT, FORMAT) as (place, about):
        about["repository"] = repository
        _write(Path(bundle), place, repository, licence)


def push_bundle(
    bundle: str | os.PathLike[str],
    repository: str,
    *,
    private: bool = False,
    licence: str = "",
    endpoint: str | None = None,
) -> str:
    """Put a bundle on the hub: bundle.json and its files, README.md, weights as safetensors.

    The repository is made where there is none; all goes into one commit of its main branch.

    Args:
        bundle: its folder, of any kind.
        repository: ``OWNER/NAME``.
        private: let nobody but its owner see the repository.
        licence: see ``card``.
        endpoint: see ``pull_bundle``.

    Returns:
        The commit.

    Raises:
        SightkitError: a damaged bundle, another answer to its canary, no right to the repository,
            a public one where a private one is requested, or no network.
    """
    require_repository(repository, licence)
    require_extra()
    check_bundle(bundle, None)
    with open_hub(repository, endpoint) as hub:
        hub.whoami()  # before seconds of work: a token, and a hub that answers
    with tempfile.TemporaryDirectory(prefix="sightkit-hub-") as temporary:
        _write(Path(bundle), Path(temporary), repository, licence)
        with open_hub(repository, endpoint) as hub:
            from huggingface_hub import CommitOperationAdd

            hub.create_repo(repository, private=private or None, exist_ok=True)
            if private and not hub.model_info(repository).private:
                raise SightkitError(
                    "The repository exists, and is public.",
                    "Make it private on its page, or leave --private out.",
                    repository=repository,
                )
            paths = sorted(Path(temporary).iterdir())
            files = [
                CommitOperationAdd(path_in_repo=each.name, path_or_fileobj=each) for each in paths
            ]
            message = f"Push a bundle by sightkit {__version__}"
            return hub.create_commit(repository, files, commit_message=message).oid


def _write(bundle: Path, folder: Path, repository: str, licence: str) -> None:
    description = check_bundle(bundle, None)
    names = files_of(description)
    sizes = sum((bundle / name).stat().st_size for name in names)
    _files.require_free_space(folder, 2 * sizes, "the repository")
    for name in names:
        shutil.copyfile(bundle / name, folder / name)
    loaded = load_any(folder, description)
    write_safetensors(folder, loaded)
    _files.write_text(folder / README, card(repository, loaded, description, licence))
