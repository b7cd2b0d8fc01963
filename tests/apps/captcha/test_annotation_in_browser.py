"""The page in a real browser, by the keyboard alone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import cv2
import pytest

from sightkit.apps import captcha

from ...chromium import BROWSER, Chromium
from .conftest import TEXTS, reading, touching_pair

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = Chromium(tmp_path_factory.mktemp("browser"))
    yield page
    page.close()


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


@pytest.mark.slow
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
