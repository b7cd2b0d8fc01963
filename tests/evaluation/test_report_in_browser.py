"""The report in a real browser, as wide as a phone and as a desk: nothing sticks out."""

from __future__ import annotations

import json
import re
import subprocess

import numpy as np
import pytest

from sightkit import _files, _run_files
from sightkit.callbacks.curves import draw_curves
from sightkit.evaluation import report_run

from ..chromium import BROWSER

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MEASURE = """<script>
function broken() {
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = texts.nextNode();) {
    if (node.parentElement.closest("script, style, pre, code")) continue;
    for (const match of node.data.matchAll(/(?<![\\w.,–\\u2060-])[0-9.,–\\u2060]*[0-9]\\s+\\S/gu)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      if (new Set([...range.getClientRects()].map(each => Math.round(each.top))).size > 1)
        found.push(match[0]);
    }
  }
  return found;
}
addEventListener("load", () => parent.postMessage(JSON.stringify({
  width: document.documentElement.scrollWidth,
  window: innerWidth,
  broken: broken(),
  images: [...document.images].map(image => image.naturalWidth),
  outside: [...document.querySelectorAll("main *")].filter(each =>
    !each.closest(".scroll") && each.getBoundingClientRect().right > innerWidth + 0.5
  ).map(each => each.outerHTML.slice(0, 80)),
}), "*"));
</script></body>"""
# A window of Chromium is never narrower than 500 pixels; a frame may be.
FRAME = """<!doctype html><body style="margin:0"><pre id="said"></pre>
<script>addEventListener("message", event => said.textContent = event.data)</script>
<iframe src="page.html" style="border:0;width:{width}px;height:800px"></iframe></body>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report with long names, a long command and many mistakes, that says how wide it is."""
    folder = tmp_path_factory.mktemp("report")
    names = tuple(f"a-rather-long-class-name-without-spaces-{index:03d}" for index in range(12))

    class Data:
        class_names = names

        def __len__(self):
            return 1

        def __getitem__(self, index):
            return np.zeros((60, 1), "float32"), np.arange(60) % 12

        def images(self, rows):
            return np.full((len(rows), 8, 8, 3), 90, np.uint8)

    draw_curves([{"epoch": 1.0, "loss": 1.0, "accuracy": 0.5}] * 2, folder / _run_files.CURVES)
    command = "python scripts/train.py --output " + "/".join(["a-long-folder"] * 30)
    _files.write_json(folder / _run_files.ENVIRONMENT, {"command": command, "commit": "0" * 40})
    _files.write_json(folder / _run_files.CONFIG, {"experiment": "train_" + "x" * 90})
    rows = "".join(f"{e},{2.0 - e / 20},{0.5},{2.1 + 0.5 * (-1) ** e}\n" for e in range(1, 13))
    (folder / _run_files.HISTORY).write_text(
        "epoch,loss,accuracy,val_loss\n" + rows, encoding="utf-8"
    )
    rng = np.random.default_rng(0)
    report_run(
        folder,
        lambda images: rng.dirichlet(np.ones(12), len(images)).astype("float32"),
        {"validation": Data(), "test": Data()},
        {"weights_sha256": "0" * 64},
    )
    text = (folder / _run_files.REPORT).read_text(encoding="utf-8")
    assert text.count("</body>") == 1
    assert "curves: oscillating" in text
    (folder / "page.html").write_text(text.replace("</body>", MEASURE), encoding="utf-8")
    return folder / "page.html"


@pytest.mark.slow
@pytest.mark.parametrize("details", (False, True), ids=("closed", "open"))
@pytest.mark.parametrize("width", (390, 1280))
def test_the_page_fits_and_every_picture_is_shown(width, details, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    if details:
        text = text.replace("<details>", "<details open>")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    result = subprocess.run(
        [
            BROWSER,
            *FLAGS,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1400,900",
            "--virtual-time-budget=5000",
            "--dump-dom",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r'<pre id="said">(\{.*?\})</pre>', result.stdout, re.DOTALL)
    assert found, result.stderr[-2000:]
    said = json.loads(
        found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )
    assert said["window"] == width
    assert said["width"] <= width
    assert said["outside"] == []
    assert said["broken"] == []
    assert len(said["images"]) == 27  # curves, confusion matrix, reliability and 24 mistakes
    assert min(said["images"]) > 0
