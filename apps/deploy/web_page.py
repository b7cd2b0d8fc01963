"""A page that answers photos in the browser: one file, no server, nothing is sent."""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
from pathlib import Path
from typing import Any

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.preprocessing import from_config
from sightkit.preprocessing.pipeline import flat_steps

PAGE = Path(__file__).with_name("page.html")
NAME = "page.html"
RUNTIME = {"library": "ort.wasm.bundle.min.mjs", "runtime": "ort-wasm-simd-threaded.wasm"}
"""Files of npm's onnxruntime-web."""
STEPS = (
    "AspectAwarePreprocessor",
    "ColourPreprocessor",
    "GrayscalePreprocessor",
    "SimplePreprocessor",
)
"""Those that the page can take."""
INSTALL = "npm install onnxruntime-web"


def runtime_files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the runtime's files in a folder of npm's onnxruntime-web, or in one above it.

    Raises:
        SightkitError: they are not there.
    """
    above = ("", "dist", "onnxruntime-web/dist", "node_modules/onnxruntime-web/dist")
    for place in (Path(folder) / each for each in above):
        files = {part: place / name for part, name in RUNTIME.items()}
        if all(path.is_file() for path in files.values()):
            return files
    raise SightkitError(
        f"The page holds npm's onnxruntime-web: {' and '.join(RUNTIME.values())}.",
        f"Run {INSTALL} in a folder, and give that folder.",
        page=str(folder),
    )


def write_page(folder: Path, found: Any, runtime: dict[str, Path]) -> Path:
    """Write page.html beside an export to ONNX.

    Args:
        folder: of the export.
        found: its description.
        runtime: see ``runtime_files``.

    Raises:
        SightkitError: a step of preprocessing that the page cannot take.
    """
    steps = [type(step).__name__ for step in flat_steps(from_config(found["preprocessing"]))]
    if others := sorted(set(steps) - set(STEPS)):
        raise SightkitError(
            f"The page takes {', '.join(STEPS)} before the network.",
            "Leave out --page, and take the steps in export.json in your own program.",
            others=others,
        )
    canary = found["canary"]["file"]
    files = {**runtime, "network": folder / found["file"], "canary": folder / canary}
    names = found["class_names"]
    title = " or ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} … ({len(names)})"
    parts = {part: _packed(path.read_bytes()) for part, path in files.items()}
    parts |= {
        "title": html.escape(title, quote=False),
        "description": json.dumps(found).replace("<", "\\u003c"),
    }
    page = PAGE.read_text(encoding="utf-8")
    for part, text in parts.items():
        page = page.replace(f"{{{{{part}}}}}", text)
    _files.write_text(folder / NAME, page)
    return folder / NAME


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()
