"""Put a bundle on the Hugging Face hub, or fetch one from it.

    sightkit hub push --bundle RUN/bundle --repository OWNER/NAME
    sightkit hub pull --repository OWNER/NAME --output FOLDER

A repository holds the bundle's files as they are, README.md with its metrics, and the weights as
safetensors; with --output push writes it to a folder, and uploads nothing. pull fetches the files
of a bundle and no others, and checks hashes and canary before they take their place. HF_TOKEN (or
hf auth login) gives the token, HF_ENDPOINT another hub. Needs pip install "sightkit[hub]".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sightkit import _cli
from sightkit._errors import SightkitError
from sightkit.apps import deploy

ONE = {"bundle": "push", "private": "push", "license": "push", "revision": "pull"}
"""Flags that one action reads."""


@dataclass(frozen=True)
class Config:
    """Push or pull."""

    action: Annotated[Literal["push", "pull"], tyro.conf.Positional]
    """Put a bundle on the hub, or fetch one."""
    repository: str
    """OWNER/NAME."""
    bundle: Path | None = None
    """Folder of the bundle to push."""
    private: bool = False
    """Let nobody but the owner see the repository that push makes."""
    license: str = ""
    """License of the weights as the hub names it, mit for example."""
    revision: str = ""
    """Branch, tag or commit to pull; the main branch by default."""
    output: Path | None = None
    """Folder of the bundle to pull, or of the repository that push writes."""
    overwrite: bool = False
    """Replace what was written to --output before."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        deploy.require_repository(self.repository, self.license)
        for name, action in ONE.items():
            if self.action != action and getattr(self, name) not in ("", False, None):
                raise SightkitError(f"--{name} is for {action}.", "Leave it out.")
        missing = "bundle" if self.action == "push" else "output"
        if getattr(self, missing) is None:
            raise SightkitError(f"{self.action} needs a folder.", f"Give --{missing} FOLDER.")


def main(config: Config) -> None:
    name, output, overwrite = config.repository, config.output, config.overwrite
    licence, bundle = config.license, config.bundle or Path()
    if output is None:
        commit = deploy.push_bundle(bundle, name, private=config.private, licence=licence)
        print(f"{name}: commit {commit}")
    elif config.action == "pull":
        revision = config.revision or None
        commit = deploy.pull_bundle(name, output, revision=revision, overwrite=overwrite)
        print(f"{output}: commit {commit} of {name}; its canary is answered as before")
    else:
        deploy.write_repository(bundle, output, name, licence=licence, overwrite=overwrite)
        print(f"{output}: written, and not uploaded")


if __name__ == "__main__":
    _cli.run(main, Config)
