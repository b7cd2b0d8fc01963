"""Download captchas politely: slowly, from one host, as its robots.txt allows, and no more."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from sightkit import __version__, _files
from sightkit._errors import SightkitError
from sightkit._locks import FileLock
from sightkit.apps.captcha.robots import AGENT, require_allowed
from sightkit.io.image_kinds import ENDINGS, kind_of
from sightkit.io.images import decode_image

FASTEST = 1.0
"""Seconds between two requests that a user may ask for."""
MOST_BYTES = 2**20
"""Of a captcha; E-ZPass's have 3 kB."""
SECONDS = 20.0
"""That an answer may take."""
SLOWEST = 3600.0
"""Seconds to wait at most because a host asks for it; it is asked no more where it wants longer."""
FAILURES = 3
"""In a row, after which the host is left alone."""


@dataclass
class Downloader:
    """Fetches from one host, one request at a time, ``interval`` seconds between two.

    Attributes:
        url: of the captchas: each request gives another one.
        contact: address of the one who downloads, for those who run the host; sent each time.
        interval: seconds between two requests, raised to what robots.txt asks for.

    Raises:
        SightkitError: no address of a host by http or https, or a contact that is none.
    """

    url: str
    contact: str
    interval: float = 5.0
    _last: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        require_url(self.url)
        require_contact(self.contact)
        self._opener = urllib.request.build_opener(_SameHost(self.url))
        agent = f"{AGENT}/{__version__} (captcha study, {self.contact})"
        self._opener.addheaders = [("User-Agent", agent)]

    def run(self, folder: Path, count: int) -> dict[str, int]:
        """Download until a folder holds ``count`` captchas; those that it holds count.

        Args:
            folder: of the captchas, ``00000.jpg`` and so on; it is made. One process at a time
                (a lock).
            count: of captchas.

        Returns:
            ``captchas`` in the folder, ``downloaded`` now, ``failed`` requests.

        Raises:
            SightkitError: what robots.txt forbids, an answer from another host, or three requests
                in a row without a new captcha. What was downloaded stays.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".download.lock", f"the captchas in {folder.name}"):
            known = {_files.sha256(path) for path in folder.iterdir() if path.suffix in _SUFFIXES}
            total, found, failures = {"downloaded": 0, "failed": 0}, len(known), 0
            if found < count:
                self.interval = max(self.interval, require_allowed(self.url, self._fetch))
            while found < count:
                try:
                    self._save(folder, known)
                except _NoCaptcha as error:
                    failures += 1
                    total["failed"] += 1
                    if failures == FAILURES:
                        raise SightkitError(
                            f"{FAILURES} requests in a row gave no new captcha: {error}.",
                            "Look at the address in a browser; the same command goes on.",
                            url=self.url,
                            captchas=found,
                        ) from error
                else:
                    failures, found = 0, len(known)
                    total["downloaded"] += 1
            return {"captchas": found, **total}

    def _save(self, folder: Path, known: set[str]) -> None:
        """Download one captcha under the next free number."""
        status, data = self._fetch(self.url)
        if status != 200:
            raise _NoCaptcha(f"the status is {status}")
        if len(data) > MOST_BYTES:
            raise _NoCaptcha(f"the answer has more than {MOST_BYTES:,} bytes")
        kind = kind_of(data)
        try:
            decode_image(data, name="the answer")
        except SightkitError as error:
            raise _NoCaptcha(f"the answer is no picture ({error})") from error
        if (digest := hashlib.sha256(data).hexdigest()) in known:
            raise _NoCaptcha("the picture is one that was downloaded already")
        taken = {path.stem for path in folder.iterdir()}
        number = next(n for n in range(len(taken) + 1) if f"{n:05d}" not in taken)
        _files.write_bytes(folder / f"{number:05d}{ENDINGS[kind or ''][0]}", data)
        known.add(digest)

    def _fetch(self, url: str) -> tuple[int, bytes]:
        """Return status and body of an address, at most a byte more than ``MOST_BYTES``."""
        self._wait(self.interval)
        try:
            with self._opener.open(url, timeout=SECONDS) as answer:
                return answer.status, answer.read(MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                if 300 <= error.code < 400:  # urllib itself follows no file:
                    _refuse_redirect(error.headers.get("Location", ""))
                self._obey(error.code, error.headers.get("Retry-After") or "")
                return error.code, b""
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise SightkitError(
                f"The host must answer ({reason}).", "Check the address and the network.", url=url
            ) from error
        finally:
            self._last = time.monotonic()

    def _wait(self, seconds: float) -> None:
        """Sleep until so many seconds have passed since the last answer."""
        if self._last is not None:
            time.sleep(max(0.0, self._last + seconds - time.monotonic()))

    def _obey(self, status: int, after: str) -> None:
        """Wait as a host asks for that has too much to do: its Retry-After, in seconds."""
        if status in (429, 503) and after.isdecimal():
            if float(after) > SLOWEST:
                raise SightkitError(
                    "The host wants to be left alone for longer than an hour.",
                    "Give the same command again then: it goes on.",
                    seconds=after,
                )
            time.sleep(float(after))


_SUFFIXES = {endings[0] for endings in ENDINGS.values()}


class _NoCaptcha(Exception):
    """An answer that is no new captcha."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect on the host that was named, and no other."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)[:2]

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str):
        if urlsplit(newurl)[:2] != self._place:
            _refuse_redirect(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refuse_redirect(url: str) -> NoReturn:
    raise SightkitError(
        "Captchas come from the host that was named; its answer sends to another.",
        "Name that address, if it is the one that you mean.",
        redirect=url,
    )


def require_url(url: str) -> None:
    """Raise unless an address names a host, by http or https."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        parts, fits = None, False
    if parts is None or not fits or parts.username is not None or not url.isascii():
        raise SightkitError(
            "Name one address by http or https, without a user.",
            "For example --url https://example.org/captcha.",
            url=url,
        )


def require_contact(contact: str) -> None:
    """Raise unless those who run the host can write to the one who downloads."""
    printable = contact.isascii() and contact.isprintable()
    if not printable or not ("@" in contact or contact.startswith(("http://", "https://"))):
        raise SightkitError(
            "Those who run the host must be able to reach you: it is sent with each request.",
            "Give --contact with your e-mail address, or the page of your study.",
            contact=contact,
        )
