"""Execute the notebooks of notebooks/, each in an empty folder, without a download.

python benchmarks/notebooks.py                  # copies with their outputs in build/notebooks
python benchmarks/notebooks.py --write          # the outputs that notebooks/ holds, anew
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from sightkit import _cli, _files
from sightkit._errors import SightkitError

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SECONDS = 600
"""Of a cell, at most: a machine may have other work."""


@dataclass(frozen=True)
class Config:
    """Execute the notebooks."""

    output: Path = ROOT / "build" / "notebooks"
    """Folder of the executed copies."""
    only: tuple[str, ...] = ()
    """Names of notebooks, in place of all."""
    write: bool = False
    """Write the outputs into notebooks/ itself."""


def main(config: Config) -> None:
    paths = [path for path in sorted(FOLDER.glob("*.ipynb")) if path.stem in config.only]
    paths = paths if config.only else sorted(FOLDER.glob("*.ipynb"))
    if not paths:
        raise SightkitError("There is no such notebook.", only=config.only)
    output = FOLDER if config.write else config.output
    output.mkdir(parents=True, exist_ok=True)
    for path in paths:
        start = time.monotonic()
        text = executed(path)
        _files.write_text(output / path.name, text)
        print(f"{path.stem}: {time.monotonic() - start:.0f} s, {len(text.encode()) / 1000:.0f} kB")


def executed(path: Path) -> str:
    """Return the text of a notebook with new outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        # Neither settings nor history of the user's IPython; pictures inline.
        os.environ |= {"IPYTHONDIR": f"{folder}/ipython", "JUPYTER_PLATFORM_DIRS": "1"}
        os.environ.pop("MPLBACKEND", None)
        place = Path(folder) / "notebook"
        place.mkdir()
        resources = {"metadata": {"path": str(place)}}
        client = NotebookClient(
            notebook,
            # Without a port on the network.
            AsyncKernelManager(transport="ipc", connection_file=f"{folder}/kernel.json"),
            timeout=SECONDS,
            record_timing=False,
            coalesce_streams=True,
            resources=resources,
        )
        try:
            client.execute(cleanup_kc=True)
        except CellExecutionError as error:
            raise SightkitError(f"{path.name} cannot be executed: {error}") from error
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    return nbformat.writes(notebook) + "\n"


if __name__ == "__main__":
    _cli.run(main, Config)
