"""The client of the Hugging Face hub: opened quietly, its errors as ours."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sightkit import __version__, _terminal
from sightkit._errors import SightkitError, in_a_line, of_the_system

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SECONDS = 60.0
"""That the hub may stay silent."""
NAME = r"[A-Za-z0-9](?:(?!--|\.\.)[\w.-])*(?<![.-])"
REPOSITORY = re.compile(rf"(?=.{{3,96}}$)(?!.*\.git$){NAME}/{NAME}", re.ASCII)
"""As the hub allows it."""
LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
QUIET = ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_XET")
"""Set unless the user has set them: nothing is reported, and files go by plain HTTP, which keeps no
cache and no logs in the user's home."""


def require_repository(name: str, licence: str = "") -> None:
    """Raise unless a repository may have this name on the hub, and a license this identifier."""
    if licence and not LICENCE.fullmatch(licence):
        raise SightkitError(
            "A license is named by the hub's identifier, of small letters, digits, ., - and +.",
            "For example --license apache-2.0; other, or none, for a text of your own.",
            license=licence,
        )
    if not REPOSITORY.fullmatch(name):
        raise SightkitError(
            "A repository is named by its owner and its name, of letters, digits, ., - and _.",
            "For example --repository me/digits.",
            repository=name,
        )


def require_extra() -> None:
    """Raise unless the packages of the extra ``hub`` are installed."""
    try:
        import safetensors  # noqa: F401
        from huggingface_hub import constants
    except ImportError as error:
        raise SightkitError(
            f"The hub needs the packages huggingface_hub and safetensors ({error}).",
            'Install the extra: pip install "sightkit[hub]".',
        ) from error
    for name in set(QUIET) - set(os.environ):  # Keras may have imported the package before
        setattr(constants, name, True)


@contextlib.contextmanager
def open_hub(repository: str, endpoint: str | None = None, **received: Any) -> Iterator[HfApi]:
    """Yield the hub's client; what it raises in the block becomes a SightkitError.

    Args:
        repository: that the block is about.
        endpoint: address of the hub; that of HF_ENDPOINT, or huggingface.co, by default.
        **received: what else an error names.
    """
    require_extra()
    import huggingface_hub
    from huggingface_hub.utils import disable_progress_bars, get_session, logging

    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    get_session().timeout = SECONDS  # without it a silent hub is waited for, for ever
    api = huggingface_hub.HfApi(endpoint, library_name="sightkit", library_version=__version__)
    try:
        with _terminal.drawing():
            yield api
    except SightkitError:
        raise
    except Exception as error:
        received |= {"repository": repository, "hub": api.endpoint}
        raise _refusal(error, received) from error


def _refusal(error: BaseException, received: dict[str, Any]) -> SightkitError:
    from huggingface_hub.errors import (
        EntryNotFoundError,
        LocalTokenNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RuntimeError | EntryNotFoundError) and error.__cause__ is not None:
        error = error.__cause__  # what the client only wraps
    if isinstance(error, OSError) and (ours := of_the_system(error)):
        return ours
    if isinstance(error, LocalTokenNotFoundError):
        return SightkitError(
            "A push needs a token of the hub.",
            "Set HF_TOKEN, or log in: hf auth login.",
            **received,
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, RevisionNotFoundError):
        return SightkitError(
            "The repository has no such revision.",
            "Give --revision with a branch, a tag or a commit of it, or leave it out.",
            **received,
        )
    if status in (401, 403, 404):
        return SightkitError(
            f"The hub gives no access to this repository (status {status}): there is none, or the "
            "token is missing or has no right to it.",
            "Check the name; to push, or if it is private, set HF_TOKEN, or log in: hf auth login.",
            **received,
        )
    if isinstance(error, ValueError) and "metadata in README.md" in str(error):
        return SightkitError(
            f"The hub refuses README.md ({in_a_line(error)}).",
            "Give --license as the hub names it, mit for example, or leave it out.",
            **received,
        )
    if isinstance(status, int):
        later = status == 429 or status >= 500
        return SightkitError(
            f"The hub refused ({in_a_line(error)}).",
            "Try again later."
            if later
            else "Change what is pushed or pulled; the reason is above.",
            **received,
        )
    return SightkitError(
        f"The hub did not answer as a hub does ({in_a_line(error)}).",
        "Check the network and HF_ENDPOINT, then give the same command again.",
        **received,
    )
