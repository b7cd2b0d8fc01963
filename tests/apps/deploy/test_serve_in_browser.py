"""The page in a real browser: photos chosen by the keyboard, dropped, refused."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="starlette is not installed (extra: serve)")

from sightkit.apps import deploy
from sightkit.io.images import encode_png

from ...chromium import BROWSER, Chromium
from .stub_classifier import Means, jpeg, png

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
ROWS = """[...document.querySelectorAll("#photos > li")].map(item => [
  item.querySelector("h2").textContent,
  item.querySelector("img")?.naturalWidth ?? item.querySelector(".picture").textContent,
  [...item.querySelectorAll("ol li")].map(row => row.innerText.replace(/\\s+/g, " ")),
  item.querySelector(".error")?.textContent ?? "",
])"""
OUTSIDE = """[...document.querySelectorAll("main *")].filter(each =>
  each.getBoundingClientRect().right > innerWidth + 0.5 && each.id != "choose"
).map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Chromium(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


@pytest.fixture
def page(browser):
    flags = deploy.ServeFlags(port=0, smoke=True, most_bytes=100_000, most_pixels=100_000)
    with deploy.serving(Means(), flags) as server:
        browser.open(server.address)
        yield browser
        assert browser.errors() == []


def drop(page, **files: bytes) -> None:
    contents = {name: base64.b64encode(data).decode() for name, data in files.items()}
    page.run(f"""(() => {{
      const dropped = new DataTransfer();
      for (const [name, text] of Object.entries({json.dumps(contents)}))
        dropped.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt())], name));
      const options = {{bubbles: true, cancelable: true, dataTransfer: dropped}};
      document.getElementById("drop").dispatchEvent(new DragEvent("dragover", options));
      document.getElementById("drop").dispatchEvent(new DragEvent("drop", options));
    }})()""")


def wait_for_answers(page, count: int) -> list:
    page.wait_for('document.querySelectorAll("#photos ol, #photos .error").length', count)
    page.wait_for("[...document.images].every(each => each.complete)", True)
    return page.run(ROWS)


def save(page, name: str) -> None:
    if folder := os.environ.get("SIGHTKIT_SCREENSHOTS"):
        page.save(Path(folder, name))


def test_photos_are_chosen_by_the_keyboard_alone(page, tmp_path):
    (tmp_path / "one.png").write_bytes(png(1, side=90))
    (tmp_path / "two.jpg").write_bytes(jpeg(2, side=70))
    page.wait_for('document.getElementById("about").textContent.includes("3 classes")', True)
    page.send("Page.setInterceptFileChooserDialog", enabled=True)
    page.press("Tab")
    assert page.run("document.activeElement.id") == "choose"
    assert page.run('getComputedStyle(document.getElementById("drop")).outlineStyle') == "solid"
    page.press("Enter")
    chooser = page.wait_for_event("Page.fileChooserOpened")
    files = [str(tmp_path / name) for name in ("one.png", "two.jpg")]
    page.send("DOM.setFileInputFiles", files=files, backendNodeId=chooser["backendNodeId"])
    (second, *_), (first, width, rows, error) = wait_for_answers(page, 2)
    assert (second, first, width, error) == ("two.jpg", "one.png", 90, "")
    assert len(rows) == 3 and all(row.endswith("%") for row in rows)
    assert any(row.startswith("blue & ☃ ") for row in rows)
    shares = [float(row.split()[-2]) for row in rows]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(100, abs=0.2)
    widths = page.run('[...document.querySelectorAll("#photos i")].map(i => i.offsetWidth)')
    assert all(widths) and widths[3] == max(widths[3:])
    save(page, "serve.png")


def test_dropped_photos_that_are_bad_say_why(page):
    long_name = "a-very-long-name-of-a-photo-without-any-space-in-it-at-all-" * 3 + ".png"
    given = {
        "good.png": png(1),
        "notes.txt": b"no image",
        "large.png": png(2, side=190),
        "too_many_pixels.png": encode_png(np.zeros((320, 320, 3), np.uint8)),
        "<img src=x onerror=alert(1)>.png": png(4),
        long_name: png(5),
    }
    assert len(given["large.png"]) > 100_000 > len(given["too_many_pixels.png"])
    drop(page, **given)
    found = {name: rest for name, *rest in wait_for_answers(page, 6)}
    assert [*found] == [*given][::-1]
    assert found["notes.txt"][0] == "no preview" and "must be an image" in found["notes.txt"][2]
    assert "100,000 bytes at most" in found["large.png"][2]
    assert "100,000 pixels at most" in found["too_many_pixels.png"][2]
    assert found["good.png"][2] == found[long_name][2] == "" and len(found["good.png"][1]) == 3
    for width in (900, 360):
        page.resize(width, 800)
        assert page.run(OUTSIDE) == []
        save(page, f"serve-{width}.png")
    page.resize(900, 800)
    page.events[:] = [
        each for each in page.events if "422" not in str(each) and "413" not in str(each)
    ]


def test_a_server_that_is_gone_is_reported(browser):
    flags = deploy.ServeFlags(port=0, smoke=True)
    with deploy.serving(Means(), flags) as server:
        browser.open(server.address)
    drop(browser, **{"late.png": png(1)})
    ((_, _, _, error),) = wait_for_answers(browser, 1)
    assert error == "The server does not answer. Is it still running?"


def test_another_page_is_refused(page):
    page.wait_for("fetch('/health').then(a => a.status)", 200)
    address = page.run("location.origin")
    page.open("data:text/html,<title>evil</title>")
    request = f"fetch('{address}/predict', {{method: 'POST', body: 'x'}})"
    assert page.run(f"{request}.then(a => a.text(), e => e.name)") == "TypeError"
    page.events.clear()
