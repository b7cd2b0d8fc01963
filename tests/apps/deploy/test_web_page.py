"""The page of an export, and the lines of docs/deploy.md, in a real browser and in Python."""

from __future__ import annotations

import json
import os
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
    AspectAwarePreprocessor,
    ColourPreprocessor,
    CropPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

from ...chromium import BROWSER, Chromium

pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")

ROOT = Path(__file__).parents[3]
RUNTIME = Path(os.environ.get("SIGHTKIT_ORT_WEB", ROOT / "build" / "onnxruntime-web"))
NAMES = ("cat", "dog", "panda")
STATE = 'document.getElementById("state").textContent'


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder."""

    def log_message(self, *arguments) -> None:
        pass


in_browser = pytest.mark.skipif(
    BROWSER is None or not RUNTIME.is_dir(),
    reason="no Chromium, or no npm package onnxruntime-web in build/onnxruntime-web",
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    import keras

    keras.utils.set_random_seed(2)  # weights whose best answer leads by more than a resize changes
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


@pytest.fixture(scope="module")
def of_readme(bundle, tmp_path_factory):
    """A network with the steps that those of the README have, whose answers differ by them."""
    import keras

    place = tmp_path_factory.mktemp("readme")
    steps = (ColourPreprocessor(), AspectAwarePreprocessor(12, 12, crop=0.875))
    network = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Flatten()])
    network.add(keras.layers.Dense(3, activation="softmax", kernel_initializer="he_normal"))
    training.save_bundle(
        place / "bundle",
        network,
        preprocessing=Pipeline((*steps, ImageToArrayPreprocessor())),
        class_names=NAMES,
        canary=bundle.folder / "canary.png",
    )
    deploy.export_bundle(transfer.load(place / "bundle"), place / "exported")
    shutil.copy(place / "bundle" / "canary.png", place / "photo.jpg")
    return place


def run_python(lines: str, folder: Path):
    command = [sys.executable, "-c", lines]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_python_of_the_docs(of_readme):
    done = run_python(lines_of("python"), of_readme)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == best_of(transfer.load(of_readme / "bundle"))


def test_python_of_the_docs_finds_other_steps(of_readme):
    lines = lines_of("python").replace("crop * min", "min")
    done = run_python(lines, of_readme)
    assert done.returncode == 1 and "other steps" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "kind", "package"),
    [
        ("LiteRT", "litert", "ai_edge_litert"),
        ("SavedModel", "saved_model", "tensorflow"),
        ("OpenVINO", "openvino", "openvino"),
    ],
)
def test_python_of_other_formats_in_the_docs(row, kind, package, bundle, tmp_path):
    pytest.importorskip(package)
    deploy.export_bundle(bundle, tmp_path / "exported", kind)
    text = (ROOT / "docs" / "deploy.md").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {row} |"))
    canary = io.read_image(bundle.folder / "canary.png")
    np.save(tmp_path / "images.npy", SimplePreprocessor(12, 12)(canary)[np.newaxis].astype("f4"))
    lines = ["import numpy", 'images = numpy.load("images.npy")']
    lines += re.findall(r"`([^`]*)`", line.split("|")[3])
    lines += ['numpy.save("answer.npy", answer)']
    done = run_python("\n".join(lines), tmp_path)
    assert done.returncode == 0, done.stderr
    expected = bundle.predict([canary])[0]
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), expected, atol=1e-5)


@pytest.fixture
def browser(tmp_path):
    found = Chromium(tmp_path / "profile")
    yield found
    found.close()


def state_of(page: Path, browser) -> str:
    """Return what a page, opened from the disk, writes once its network is loaded."""
    browser.open(page.as_uri())
    browser.wait_for(f'{STATE}.includes("being loaded")', False)
    return browser.run(STATE)


@in_browser
@pytest.mark.slow
def test_javascript_of_the_docs(bundle, folder, browser):
    (folder / "ort").mkdir(exist_ok=True)
    for path in web_page.runtime_files(RUNTIME).values():
        shutil.copy(path, folder / "ort")
    imports = {"imports": {"onnxruntime-web": "/ort/ort.wasm.bundle.min.mjs"}}
    (folder / "lines.html").write_text(
        f'<script type="importmap">{json.dumps(imports)}</script>'
        "<script>console.log = text => { document.title = text; };</script>"
        f'<script type="module">{lines_of("javascript")}</script>'
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/lines.html")
        browser.wait_for("document.title", best_of(bundle))
        server.shutdown()


@in_browser
@pytest.mark.slow
def test_page_answers_the_canary_as_python(folder, browser):
    state = state_of(folder / "exported" / "page.html", browser)
    assert state.startswith("Ready."), state
    assert float(state.rsplit(" ", 1)[1].rstrip(".")) < 1e-3


@in_browser
@pytest.mark.slow
def test_page_that_answers_otherwise_warns(folder, browser):
    page = (folder / "exported" / "page.html").read_text()
    changed = folder / "changed.html"
    changed.write_text(re.sub(r'"answer": \[[^\]]*\]', '"answer": [1, 0, 0]', page))
    assert state_of(changed, browser).startswith("Do not trust this page")


def test_step_that_the_page_lacks_is_refused(tmp_path):
    steps = Pipeline((CropPreprocessor(8, 8),)).to_config()
    with pytest.raises(SightkitError, match="The page takes") as error:
        web_page.write_page(tmp_path, {"preprocessing": steps}, {})
    assert "CropPreprocessor" in str(error.value)
