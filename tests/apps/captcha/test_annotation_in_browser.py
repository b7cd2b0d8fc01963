"""The page in a real browser, by the keyboard alone; driven by WebDriver's plain HTTP."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import cv2
import pytest

from sightkit.apps import captcha

from .conftest import TEXTS, reading, touching_pair

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")
KEYS = {"Enter": "\ue007", "Backspace": "\ue003", "Tab": "\ue004", "ArrowRight": "\ue014"}
"""As WebDriver names them."""
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=900,800",
]  # fmt: skip

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="no Chromium with its chromedriver is installed"
)


class Browser:
    """A session of WebDriver."""

    def __init__(self, port: int, profile: Path) -> None:
        self.address = f"http://127.0.0.1:{port}"
        arguments = [*ARGUMENTS, f"--user-data-dir={profile}"]
        options = {"binary": BROWSER, "args": arguments}
        always = {"browserName": "chrome", "goog:chromeOptions": options}
        found = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": always}})
        self.address += f"/session/{found['sessionId']}"

    def ask(self, method: str, path: str, body: object = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, address: str) -> None:
        self.ask("POST", "/url", {"url": address})

    def run(self, script: str):
        return self.ask("POST", "/execute/sync", {"script": f"return {script}", "args": []})

    def press(self, *keys: str) -> None:
        pressed = [KEYS.get(key, key) for key in keys]
        steps = [{"type": kind, "value": k} for k in pressed for kind in ("keyDown", "keyUp")]
        actions = {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]}
        self.ask("POST", "/actions", actions)

    def wait_for(self, script: str, expected: object) -> None:
        end = time.monotonic() + 20
        while (found := self.run(script)) != expected:
            assert time.monotonic() < end, f"{script}: {found!r}, expected {expected!r}"
            time.sleep(0.05)

    def save(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    with (folder / "driver.log").open("w+") as log:
        driver = subprocess.Popen([str(DRIVER), "--port=0"], stdout=log, stderr=log)
        try:
            end, port = time.monotonic() + 30, 0
            while not port and time.monotonic() < end:
                time.sleep(0.05)
                text = (folder / "driver.log").read_text()
                port = int((text.partition("successfully on port ")[2].partition(".")[0]) or 0)
            assert port, text
            session = Browser(port, folder / "profile")
            yield session
            session.ask("DELETE", "")
        finally:
            driver.terminate()
            driver.wait(30)


@pytest.fixture
def page(browser, open_annotation, captchas):
    cv2.imwrite(str(captchas / "00003.png"), touching_pair())
    annotation = open_annotation({
        "00000.png": reading("2756", 0.99, 0.98, 0.97, 0.99),
        "00001.png": reading("1867", 0.9, 0.8, 0.7, 0.2),
        "00002.png": reading("9439", 0.99, 0.7, 0.97, 0.99),
    })  # fmt: skip
    with captcha.serve(annotation) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/")
        yield browser, annotation
        server.shutdown()


def title() -> str:
    return 'document.getElementById("title").textContent'


def test_captchas_are_labelled_by_the_keyboard_alone(page):
    browser, annotation = page
    letters = '[...document.querySelectorAll("#places b")].map(each => each.textContent)'
    loaded = "[...document.images].filter(i => !i.hidden && i.naturalWidth === 0).length"
    browser.wait_for(title(), "00003.png")  # of which three characters are found
    assert "3 characters were found" in browser.run("document.body.innerText")
    browser.press("Tab")
    browser.wait_for(title(), "00001.png")  # the least certain
    browser.wait_for(letters, ["1", "8", "6", "7"])
    browser.wait_for(loaded, 0)
    assert browser.run('document.querySelectorAll("#places img").length') == 4
    if folder := os.environ.get("SIGHTKIT_SCREENSHOTS"):
        browser.save(Path(folder, "annotation.png"))
    browser.press("1", "Enter")  # the frame is at the least certain character
    browser.wait_for(title(), "00002.png")
    browser.press("Enter")
    browser.wait_for(title(), "00000.png")
    browser.press("Backspace")  # the label before
    browser.wait_for(title(), "00002.png")
    browser.press("9")
    browser.wait_for(title(), "00000.png")
    browser.press("Enter", "1", "1", "1", "1")  # as fast as one can: none is lost
    browser.wait_for(title(), "All captchas are labelled")
    rows = captcha.read_labels(annotation.folder / "labels.csv")
    assert {row.file: row.text for row in rows} == {
        **{f"{k:05d}.png": text for k, text in enumerate(TEXTS)},
        "00003.png": "1111",
    }
    counts = browser.run('document.getElementById("counts").textContent')
    assert counts.startswith("4 labelled, 0 left") and "1 cut into another number" in counts


def test_a_wrong_key_is_reported_and_changes_nothing(page):
    browser, annotation = page
    browser.wait_for(title(), "00003.png")
    browser.press("0")
    message = 'document.getElementById("message").textContent'
    browser.wait_for(f"{message}.startsWith('Not saved: A key must be')", True)
    assert annotation.state()["captcha"]["typed"] == [""] * 4


def test_another_page_cannot_label(page):
    """A page of another origin: its request comes without the headers, or is refused."""
    browser, annotation = page
    browser.wait_for(title(), "00003.png")
    address = browser.run("location.origin")
    browser.open("data:text/html,<title>evil</title>")
    script = (
        f"fetch('{address}/key', {{method: 'POST', mode: 'no-cors', "
        "body: JSON.stringify({captcha: '00003.png', key: '1'})}).then(() => 'sent', e => e.name)"
    )
    assert browser.run(script) in ("sent", "TypeError")
    script = f"fetch('{address}/state').then(a => a.text(), e => e.name)"
    assert browser.run(script) == "TypeError"
    assert annotation.state()["captcha"]["typed"] == [""] * 4
