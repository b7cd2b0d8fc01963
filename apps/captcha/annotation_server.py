"""The page of an annotation, for this machine alone.

Only loopback addresses are served, only requests for this very host (a name that an attacker lets
point to 127.0.0.1 is another one: DNS rebinding), and only what the page itself asks for.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sightkit import _files, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.captcha.annotation import Annotation
from sightkit.apps.captcha.annotation_files import require_alphabet
from sightkit.apps.captcha.character_reader import require_characters
from sightkit.io.images import encode_png

PAGE = Path(__file__).with_name("annotation.html")
MOST_BYTES = 2**12
"""Of a request's body: a name and a key."""
LONGEST = 64
"""Characters of a captcha; a place has its picture in the page."""
SECONDS = 30
"""That a connection may say nothing."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def serve(annotation: Annotation, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """Return a server of the page, bound but not running yet; ``serve_forever`` runs it.

    Args:
        annotation: that the keys go to.
        host: a loopback address, or localhost.
        port: any free one by default.

    Raises:
        SightkitError: an address that others can reach, or a port that is taken.
    """
    require_loopback(host)
    try:
        server = ThreadingHTTPServer((host, port), partial(Handler, annotation))
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "65535 is the last one"
        raise SightkitError(
            f"The page needs a free port ({reason}).",
            "Choose another --port; 0 takes any that is free.",
            host=host,
            port=port,
        ) from error
    server.daemon_threads = True
    return server


def require_loopback(host: str) -> None:
    """Raise unless only this machine can reach an address."""
    try:
        private = host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        private = False
    if not private:
        raise SightkitError(
            "The page is for this machine alone: anybody could label through another address.",
            "Give --host 127.0.0.1; from elsewhere go through ssh -L PORT:127.0.0.1:PORT.",
            host=host,
        )


def run_page(annotation: Annotation, host: str, port: int) -> None:
    """Serve the page until Ctrl-C; its address is printed."""
    with serve(annotation, host, port) as server:
        print(f"Open http://{host}:{server.server_port}/ and end with Ctrl-C here.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@dataclass(frozen=True)
class AnnotationFlags:
    """The flags of scripts/captcha/annotate_captcha.py."""

    captchas: Path | None = None
    """Folder of the captchas."""
    output: Path = Path("labels")
    """Folder of the labels, new, or of captchas that are being labelled."""
    bundle: Path | None = None
    """Folder of a network of characters that proposes labels: RUN/bundle."""
    alphabet: str = "123456789"
    """Characters that texts have."""
    length: int = 4
    """Characters of a captcha."""
    host: str = "127.0.0.1"
    """Address of the page, one of this machine alone."""
    port: int = 8000
    """Port of the page; 0 for any that is free."""
    smoke: bool = False
    """Label five captchas that are drawn here, without a browser."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, length=1, port=0)
        if self.length > LONGEST:
            raise SightkitError(
                f"--length may be {LONGEST} at most.", "Give 4.", length=self.length
            )
        require_alphabet(self.alphabet)
        require_loopback(self.host)
        if self.captchas is None and not self.smoke:
            raise SightkitError("Name the folder of the captchas.", "Give --captchas FOLDER.")
        _files.require_writable(self.output)
        if self.bundle is not None:
            names = training.check_bundle(self.bundle)["class_names"]
            require_characters(names, self.bundle)


class Handler(BaseHTTPRequestHandler):
    """Answers to the page: the page itself, the state, the pictures, a key."""

    server_version, sys_version = "sightkit", ""
    timeout = SECONDS

    def __init__(self, annotation: Annotation, *arguments: Any) -> None:
        self.annotation = annotation
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with the page, the state or a picture."""
        if not self._is_ours():
            return
        kind, _, rest = urlsplit(self.path).path.lstrip("/").partition("/")
        name, _, place = unquote(rest).rpartition("/")
        if not rest and kind in ("", "state"):
            page = kind == ""
            body = PAGE.read_bytes() if page else _json(self.annotation.state())
            self._answer(200, body, "text/html; charset=utf-8" if page else "application/json")
        elif kind == "captcha" and unquote(rest) in self.annotation.images:
            self._answer(200, encode_png(self.annotation.images[unquote(rest)]), "image/png")
        elif kind == "character" and place in map(str, range(len(self._cut(name)))):
            self._answer(200, encode_png(self._cut(name)[int(place)]), "image/png")
        else:
            self._refuse(404, "There is nothing here.")

    def do_POST(self) -> None:
        """Take a key: JSON with ``captcha`` and ``key``."""
        if not self._is_ours():
            return
        length = self.headers.get("Content-Length", "")
        if self.path != "/key" or self.headers.get_content_type() != "application/json":
            self._refuse(404, "Keys go to /key, as application/json.")
        elif not length.isdecimal() or int(length) > MOST_BYTES:
            self._refuse(413, "A key is short.")
        else:
            body = self.rfile.read(int(length))
            try:
                given = json.loads(body)
                state = self.annotation.press(str(given["captcha"]), str(given["key"]))
            except SightkitError as error:
                self._refuse(400, str(error))
            except (ValueError, KeyError, TypeError, RecursionError):
                self._refuse(400, "A key is JSON: captcha and key.")
            except OSError as error:  # a full disk, a folder that is gone: the next key saves both
                reason = f"the folder of labels must be writable ({error.strerror})"
                self._refuse(500, f"{reason}. Mend that, then press the next key.")
            else:
                self._answer(200, _json(state), "application/json")

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Write no line for each request."""

    def _cut(self, name: str) -> list[Any]:
        return self.annotation.cut.get(name, [])

    def _is_ours(self) -> bool:
        """Refuse what is not from the page at this address on this machine."""
        address, port = self.connection.getsockname()[:2]
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", address)}
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "none")
        ours = (
            ipaddress.ip_address(self.client_address[0]).is_loopback
            and host in hosts
            and origin in (None, f"http://{host}")
            and site in ("none", "same-origin")
        )
        if not ours:
            self._refuse(403, "This page is for the browser on this machine.")
        return ours

    def _refuse(self, status: int, reason: str) -> None:
        self._answer(status, f"{reason}\n".encode(), "text/plain; charset=utf-8")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in (HEADERS | {"Content-Type": kind}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
