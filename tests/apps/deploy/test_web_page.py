"""The page of an export, and the lines of docs/deploy.md, in a real browser and in Python."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sightkit import io, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.apps import deploy
from sightkit.apps.deploy import web_page
from sightkit.preprocessing import (
    CropPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")

ROOT = Path(__file__).parents[3]
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
RUNTIME = Path(os.environ.get("SIGHTKIT_ORT_WEB", ROOT / "build" / "onnxruntime-web"))
NAMES = ("cat", "dog", "panda")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
]  # fmt: skip
REPORT = """
<script type="module">
console.log = text => fetch("/told", {method: "POST", body: text});
addEventListener("error", event => console.log(`error ${event.message}`));
addEventListener("unhandledrejection", event => console.log(`error ${event.reason}`));
setInterval(() => {
  const state = document.getElementById("state");
  if (state && !state.textContent.includes("loaded")) console.log(state.textContent);
}, 200);
</script>
"""


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, and what a page tells."""

    def __init__(self, told: queue.Queue[str], *arguments, **options) -> None:
        self.told = told
        super().__init__(*arguments, **options)

    def do_POST(self) -> None:
        self.told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def browsing(folder: Path, page: str, profile: Path):
    """Yield what a page tells, opened from a server of this folder."""
    told: queue.Queue[str] = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, told, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [BROWSER, *ARGUMENTS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        [*command, f"http://127.0.0.1:{server.server_port}/{page}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield told
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


in_browser = pytest.mark.skipif(
    BROWSER is None or not RUNTIME.is_dir(),
    reason="no Chromium, or no npm package onnxruntime-web in build/onnxruntime-web",
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    photo = np.random.default_rng(4).integers(0, 256, (37, 53, 3), np.uint8)
    io.write_png(folder / "photo.jpg", photo)  # whatever it is called: the browser looks into it
    training.save_bundle(
        folder / "bundle",
        zoo.LeNet((12, 12, 3), 3),
        preprocessing=Pipeline((SimplePreprocessor(12, 12), ImageToArrayPreprocessor())),
        class_names=NAMES,
        canary=photo,
    )
    return transfer.load(folder / "bundle")


@pytest.fixture(scope="module")
def folder(bundle):
    """A folder with photo.jpg and exported/, as docs/deploy.md has it."""
    page = RUNTIME if RUNTIME.is_dir() else None
    deploy.export_bundle(bundle, bundle.folder.parent / "exported", page=page)
    return bundle.folder.parent


def lines_of(language: str) -> str:
    text = (ROOT / "docs" / "deploy.md").read_text()
    match = re.search(rf"<!-- {language}: begin -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert match
    return match[1]


def best_of(bundle) -> str:
    return NAMES[bundle.predict([bundle.folder / "canary.png"])[0].argmax()]


def test_python_of_the_docs(bundle, folder):
    told = subprocess.run(
        [sys.executable, "-c", lines_of("python")],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert told.stdout.split()[0] == best_of(bundle)


@in_browser
@pytest.mark.slow
def test_javascript_of_the_docs(bundle, folder, tmp_path):
    (folder / "ort").mkdir(exist_ok=True)
    for path in web_page.runtime_files(RUNTIME).values():
        shutil.copy(path, folder / "ort")
    imports = {"imports": {"onnxruntime-web": "/ort/ort.wasm.bundle.min.mjs"}}
    (folder / "lines.html").write_text(
        f'<script type="importmap">{json.dumps(imports)}</script>{REPORT}'
        f'<script type="module">{lines_of("javascript")}</script>'
    )
    with browsing(folder, "lines.html", tmp_path) as told:
        assert told.get(timeout=60) == best_of(bundle)


@in_browser
@pytest.mark.slow
def test_page_answers_the_canary_as_python(folder, tmp_path):
    page = (folder / "exported" / "page.html").read_text()
    (folder / "page.html").write_text(page + REPORT)
    with browsing(folder, "page.html", tmp_path) as told:
        state = told.get(timeout=60)
    assert state.startswith("Ready."), state
    assert float(state.rsplit(" ", 1)[1].rstrip(".")) < 1e-3


@in_browser
@pytest.mark.slow
def test_page_that_answers_otherwise_says_so(folder, tmp_path):
    page = (folder / "exported" / "page.html").read_text()
    changed = re.sub(r'"answer": \[[^\]]*\]', '"answer": [1, 0, 0]', page)
    (folder / "changed.html").write_text(changed + REPORT)
    with browsing(folder, "changed.html", tmp_path) as told:
        assert told.get(timeout=60).startswith("Do not trust this page")


def test_step_that_the_page_lacks_is_refused(tmp_path):
    steps = Pipeline((CropPreprocessor(8, 8),)).to_config()
    with pytest.raises(SightkitError, match="The page takes") as error:
        web_page.write_page(tmp_path, {"preprocessing": steps}, {})
    assert "CropPreprocessor" in str(error.value)
