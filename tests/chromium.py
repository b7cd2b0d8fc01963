"""Chromium, driven by its debugging protocol over two pipes; no driver is needed."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
]  # fmt: skip
SECONDS = 60
KEYS = {"Enter": (13, "\r"), "Backspace": (8, ""), "Tab": (9, "")}
"""Code and text of those that are no characters."""


class Chromium:
    """A page of a browser."""

    def __init__(self, profile: Path, width: int = 900, height: int = 800) -> None:
        self._numbers = itertools.count(1)
        self._text = b""
        self._session: dict[str, str] = {}
        self.events: list[dict] = []
        pipes = [*os.pipe(), *os.pipe()]
        theirs, self._out, self._in, ours = (
            fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in pipes
        )
        for each in pipes:
            os.close(each)

        def give() -> None:  # it reads from 3 and writes to 4
            os.dup2(theirs, 3)
            os.dup2(ours, 4)

        command = [BROWSER, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, preexec_fn=give, close_fds=False, **quiet)
        os.close(theirs)
        os.close(ours)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        found = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": found["sessionId"]}
        for name in ("Page.enable", "Log.enable", "DOM.enable"):
            self.send(name)
        self.resize(width, height)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._session = {}
            self.send("Browser.close")
        self._process.wait(SECONDS)
        os.close(self._out)
        os.close(self._in)

    def send(self, method: str, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, **self._session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        found = self._wait(lambda each: each.get("id") == number)
        assert "error" not in found, (method, found)
        return found["result"]

    def wait_for_event(self, method: str) -> dict:
        found = next((each for each in self.events if each["method"] == method), None)
        return (found or self._wait(lambda each: each.get("method") == method))["params"]

    def _wait(self, wanted) -> dict:
        end = time.monotonic() + SECONDS
        while True:
            line, separator, rest = self._text.partition(b"\0")
            if separator:
                self._text = rest
                message = json.loads(line)
                if "id" not in message:
                    self.events.append(message)
                if wanted(message):
                    return message
                continue
            left = end - time.monotonic()
            assert select.select([self._in], [], [], max(0, left))[0], "Chromium is silent"
            received = os.read(self._in, 2**20)
            if not received:
                raise OSError("Chromium has ended.")
            self._text += received

    def open(self, address: str) -> None:
        self.events.clear()
        self.send("Page.navigate", url=address)
        self.wait_for_event("Page.loadEventFired")

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)

    def run(self, script: str):
        found = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, script: str, expected: object) -> None:
        end = time.monotonic() + 20
        while (found := self.run(script)) != expected:
            assert time.monotonic() < end, f"{script}: {found!r}, expected {expected!r}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Press keys one after the other: names of ``KEYS``, or characters."""
        for key in keys:
            code, text = KEYS.get(key, (ord(key[0]), key))
            given = {"key": key, "code": key, "windowsVirtualKeyCode": code}
            self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
            self.send("Input.dispatchKeyEvent", type="keyUp", **given)

    def errors(self) -> list[str]:
        """Return what the page was refused, and what its scripts could not do."""
        entries = (e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded")
        return [each["text"] for each in entries if each["level"] == "error"]

    def save(self, path: Path) -> None:
        found = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))
